package capacity

// maxRoom bounds the room of one node. Nobody runs two billion pods on a node.
const maxRoom = 1<<31 - 1

// exactBelow bounds the free amounts for which lane.of is exact: 512 TiB of memory.
const exactBelow = 1 << 49

// lane is one resource of the scan.
type lane struct {
	free    []int64
	inverse float64
	bit     status
}

// newLane divides by want with one multiplication.
//
// Let d be the relative error of free*inverse. free/want is exact when 0 < d and d*(free+want) < 1:
// the product must reach every exact multiple and stay below the next one. The inverse is 1/want,
// enlarged by 2^-51. Each of the three roundings is off by 2^-53 at most, so 2^-53 < d < 2^-50. And
// free+want <= 2^50, since nothing is divided unless it holds want.
func newLane(free []int64, want int64, bit status) lane {
	return lane{free, 1 / float64(want) * (1 + 1.0/(1<<51)), bit}
}

// of returns free/want on node i. It is 0 or less when want is not there.
func (l *lane) of(i int) int64 { return int64(float64(l.free[i]) * l.inverse) }

// scannable reports whether scan can count this pod: with no more than two resources, each of which
// every table has, and no node with too much of one for lane to be exact.
func (p *probe) scannable(t *table) bool {
	if len(p.needs) > 2 || !p.plain() {
		return false
	}
	for i := range p.needs {
		if c := p.needs[i].column; c < 0 || !t.exact[c] || p.needs[i].want >= exactBelow {
			return false
		}
	}
	return t.exact[colPods]
}

// scan does roomOn for all nodes at once. It reads columns in order and looks nothing up.
// FuzzScanIsRoomOn compares it with roomOn, its slow twin.
func (p *probe) scan(t *table, free [][]int64, c *count) {
	n := len(t.names)
	slots, nodes, places, taints := free[colPods][:n], c.nodes[:n], t.places[:n], t.taints[:n]
	a, b := p.lanes(free)
	freeA, freeB := a.free[:n], b.free[:n]
	var last, stop status
	var why int32
	from, total := 0, int64(0)
	for i := range nodes {
		inA, inB := int64(float64(freeA[i])*a.inverse), int64(float64(freeB[i])*b.inverse)
		room := max(min(slots[i], inA, inB), 0)
		stop = 0
		if slots[i] <= room {
			stop = statusPods
		}
		if inA <= room {
			stop |= a.bit
		}
		if inB <= room {
			stop |= b.bit
		}
		if room == 0 {
			stop |= p.unsolvable(t, i, stop)
		}
		if class := taints[i]; class != 0 && p.blocked[class] != 0 {
			room, stop = 0, p.blocked[class]
		}
		if stop != last {
			c.tally.count(last, i-from)
			last, from, why = stop, i, c.tally.why(p, t.words, stop)
		}
		total += room
		nodes[i] = NodeRoom{&places[i], int32(room), why}
	}
	c.tally.count(last, n-from)
	c.room = int(total)
}

// lanes returns one lane for each of the pod's needs. For a need that the pod does not have it
// returns the number of pods once more, with no bit to set.
func (p *probe) lanes(free [][]int64) (a, b lane) {
	lanes := [2]lane{newLane(free[colPods], 1, 0), newLane(free[colPods], 1, 0)}
	for k := range p.needs {
		lanes[k] = newLane(free[p.needs[k].column], p.needs[k].want, statusPods<<(k+1))
	}
	return lanes[0], lanes[1]
}

// unsolvable marks a full node that could not take the pod even when empty.
func (p *probe) unsolvable(t *table, i int, stop status) status {
	for k := range p.needs {
		n := &p.needs[k]
		if stop&(statusPods<<(k+1)) != 0 && n.want > t.alloc[n.column][i] {
			return statusUnsolvable
		}
	}
	return 0
}

func clampInt(n int64) int { return int(min(n, maxRoom)) }
