package capacity

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
)

// NodeRoom counts the replicas that one node still has room for, and names the reason that stops
// the next.
//
// It is 16 bytes. The nodes are most of the cost of a new answer, since the garbage collector's
// work grows with them.
type NodeRoom struct {
	place *place
	room  int32
	why   int32 // among the place's words
}

// place holds what the answers of a snapshot share about one node.
type place struct {
	node  string
	words *words
}

// NewNodeRoom makes a NodeRoom for an [Engine] that answers node by node. A room below 0 is taken
// as 0.
func NewNodeRoom(node string, room int, reason string) NodeRoom {
	w := newWords()
	return NodeRoom{&place{node, w}, int32(min(max(room, 0), math.MaxInt32)), w.index(reason)}
}

// Node returns the name of the node.
func (n NodeRoom) Node() string {
	if n.place == nil {
		return ""
	}
	return n.place.node
}

// Room returns how many more replicas fit there.
func (n NodeRoom) Room() int { return int(n.room) }

// Reason returns kube-scheduler's words about the node once Room more replicas are on it.
func (n NodeRoom) Reason() string {
	if n.place == nil {
		return ""
	}
	return n.place.words.text(n.why)
}

// Equal reports whether the two say the same, from whatever snapshots they are.
func (n NodeRoom) Equal(other NodeRoom) bool {
	return n.room == other.room && n.Node() == other.Node() && n.Reason() == other.Reason()
}

// String returns the node, its room and the reason: "node-1: 4 (Insufficient cpu)".
func (n NodeRoom) String() string {
	if reason := n.Reason(); reason != "" {
		return fmt.Sprintf("%s: %d (%s)", n.Node(), n.room, reason)
	}
	return fmt.Sprintf("%s: %d", n.Node(), n.room)
}

// roomJSON is the form of a NodeRoom in an answer's JSON.
type roomJSON struct {
	Node   string `json:"node"`
	Room   int    `json:"room"`
	Reason string `json:"reason,omitempty"`
}

// MarshalJSON writes {"node":"node-1","room":4,"reason":"Insufficient cpu"}.
func (n NodeRoom) MarshalJSON() ([]byte, error) {
	return json.Marshal(roomJSON{n.Node(), n.Room(), n.Reason()})
}

// UnmarshalJSON reads what [NodeRoom.MarshalJSON] writes.
func (n *NodeRoom) UnmarshalJSON(data []byte) error {
	var r roomJSON
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	*n = NewNodeRoom(r.Node, r.Room, r.Reason)
	return nil
}

// words keeps the reasons that the answers of one snapshot have given, each once and for as long as
// the snapshot lives. There are as many as combinations of resources that were ever short together.
//
// The resources' names are the templates'. A caller that asks one snapshot for ever new extended
// resources lets it grow without bound.
type words struct {
	mu    sync.RWMutex
	texts []string // the first is ""
	known map[string]int32
}

func newWords() *words { return &words{texts: []string{""}, known: map[string]int32{"": 0}} }

func (w *words) text(i int32) string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.texts[i]
}

// index returns the place of a text in texts, and adds the text if it is new.
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
