package capacity

// status encodes why a node takes no more of a pod. The low bits are resources that do not suffice:
// bit 0 is the number of pods, bit k+1 the k-th need. The numbers above are the other filters.
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

// solvable reports whether evicting pods might make room.
func (s status) solvable() bool {
	return s == statusPorts || s&resourceMask != 0 && s&statusUnsolvable == 0
}

// eachWord passes on the reasons of a status, as the filter that rejects the node lists them.
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

// words joins the reasons of a status. It makes no new text for a single reason.
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
	why    int32 // place of the joined reasons among the words
}

// entry finds the entry of a status, or begins one.
func (t *tally) entry(p *probe, w *words, s status) *tallyEntry {
	for i := range t.entries {
		if t.entries[i].status == s {
			return &t.entries[i]
		}
	}
	t.entries = append(t.entries, tallyEntry{status: s, why: w.index(p.words(s))})
	return &t.entries[len(t.entries)-1]
}

// add counts one node and returns the place of its reasons among the words.
func (t *tally) add(p *probe, w *words, s status) int32 {
	e := t.entry(p, w, s)
	e.nodes++
	return e.why
}

// why returns the place of a status's reasons. count adds n nodes to a status that was asked for
// before.
func (t *tally) why(p *probe, w *words, s status) int32 { return t.entry(p, w, s).why }

func (t *tally) count(s status, n int) {
	for i := range t.entries {
		if t.entries[i].status == s {
			t.entries[i].nodes += n
			return
		}
	}
}
