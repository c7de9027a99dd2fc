package capacity

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
)

// NodeRoom is how many more replicas one node has room for, and what stops the next.
//
// It is 16 bytes: what the nodes of an answer weigh is most of what a new answer costs, since the
// garbage collector's work grows with it.
type NodeRoom struct {
	place *place
	room  int32
	why   int32 // among the place's words
}

// place is what the answers of a snapshot have in common about one node.
type place struct {
	node  string
	words *words
}

// NewNodeRoom is for an [Engine] that answers node by node. A room below 0 is taken as 0.
func NewNodeRoom(node string, room int, reason string) NodeRoom {
	w := newWords()
	return NodeRoom{&place{node, w}, int32(min(max(room, 0), math.MaxInt32)), w.index(reason)}
}

// Node is the name of the node.
func (n NodeRoom) Node() string {
	if n.place == nil {
		return ""
	}
	return n.place.node
}

// Room is how many more replicas fit there.
func (n NodeRoom) Room() int { return int(n.room) }

// Reason is what kube-scheduler says of the node once Room more are on it.
func (n NodeRoom) Reason() string {
	if n.place == nil {
		return ""
	}
	return n.place.words.text(n.why)
}

// Equal compares what the two say, from whatever snapshots they are.
func (n NodeRoom) Equal(other NodeRoom) bool {
	return n.room == other.room && n.Node() == other.Node() && n.Reason() == other.Reason()
}

// String is the node, its room and the reason: "node-1: 4 (Insufficient cpu)".
func (n NodeRoom) String() string {
	if reason := n.Reason(); reason != "" {
		return fmt.Sprintf("%s: %d (%s)", n.Node(), n.room, reason)
	}
	return fmt.Sprintf("%s: %d", n.Node(), n.room)
}

// roomJSON is a NodeRoom in an answer's JSON.
type roomJSON struct {
	Node   string `json:"node"`
	Room   int    `json:"room"`
	Reason string `json:"reason,omitempty"`
}

// MarshalJSON gives {"node":"node-1","room":4,"reason":"Insufficient cpu"}.
func (n NodeRoom) MarshalJSON() ([]byte, error) {
	return json.Marshal(roomJSON{n.Node(), n.Room(), n.Reason()})
}

// UnmarshalJSON reads what MarshalJSON gives.
func (n *NodeRoom) UnmarshalJSON(data []byte) error {
	var r roomJSON
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	*n = NewNodeRoom(r.Node, r.Room, r.Reason)
	return nil
}

// words are the reasons that the answers of one snapshot have given, each kept once and for as long
// as the snapshot: as many as there are combinations of resources that were ever short together. Their
// names are the templates', so who asks one snapshot for ever new extended resources lets it grow
// without bound.
type words struct {
	mu    sync.RWMutex
	texts []string // the first is none
	known map[string]int32
}

func newWords() *words { return &words{texts: []string{""}, known: map[string]int32{"": 0}} }

func (w *words) text(i int32) string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.texts[i]
}

// index is where a text is kept.
func (w *words) index(text string) int32 {
	w.mu.RLock()
	i, ok := w.known[text]
	w.mu.RUnlock()
	if ok {
		return i
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if i, ok := w.known[text]; ok {
		return i
	}
	i = int32(len(w.texts))
	w.texts, w.known[text] = append(w.texts, text), i
	return i
}
