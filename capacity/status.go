package capacity

// status is why a node takes no more of a pod. The low bits are resources that do not suffice:
// bit 0 the number of pods, bit k+1 the k-th need. The numbers above are the other filters.
type status uint64

const (
	statusPods       status = 1
	resourceBits            = maxNeeds + 1
	resourceMask            = status(1)<<resourceBits - 1
	statusUnsolvable        = status(1) << 63 // evicting pods would not help
)

const (
	statusUnschedulable status = (1 + iota) << resourceBits
	statusTaint
	statusAffinity
	statusAbsent
	statusPorts
	statusFeatures
)

// solvable: evicting pods might make room.
func (s status) solvable() bool {
	return s == statusPorts || s&resourceMask != 0 && s&statusUnsolvable == 0
}

// eachWord gives the reasons of a status, as the filter that rejects the node lists them.
func (p *probe) eachWord(s status, give func(word string)) {
	switch s &^ statusUnsolvable {
	case statusUnschedulable:
		give("node(s) were unschedulable")
	case statusTaint:
		give("node(s) had untolerated taint(s)")
	case statusAffinity:
		give("node(s) didn't match Pod's node affinity/selector")
	case statusAbsent:
		give(p.only.absent())
	case statusPorts:
		give("node(s) didn't have free ports for the requested pod ports")
	case statusFeatures:
		give("node(s) didn't match Pod's required features")
	default:
		if s&statusPods != 0 {
			give("Too many pods")
		}
		for k := range p.needs {
			if s&(statusPods<<(k+1)) != 0 {
				give(p.needs[k].reason)
			}
		}
	}
}

// words are the reasons of a status in one text; of a single one no new text is made.
func (p *probe) words(s status) (text string) {
	p.eachWord(s, func(word string) {
		if text != "" {
			text += ", "
		}
		text += word
	})
	return text
}

// tally counts nodes by status. There are few different ones, so a list beats a map.
type tally struct{ entries []tallyEntry }

type tallyEntry struct {
	status status
	nodes  int
	text   string // the words, joined
}

// entry finds the status, or begins one.
func (t *tally) entry(p *probe, s status) *tallyEntry {
	for i := range t.entries {
		if t.entries[i].status == s {
			return &t.entries[i]
		}
	}
	t.entries = append(t.entries, tallyEntry{status: s, text: p.words(s)})
	return &t.entries[len(t.entries)-1]
}

// add counts one node and gives the text of its status.
func (t *tally) add(p *probe, s status) string {
	e := t.entry(p, s)
	e.nodes++
	return e.text
}

// text is that of a status; count adds n nodes to one whose text was asked before.
func (t *tally) text(p *probe, s status) string { return t.entry(p, s).text }

func (t *tally) count(s status, n int) {
	for i := range t.entries {
		if t.entries[i].status == s {
			t.entries[i].nodes += n
			return
		}
	}
}
