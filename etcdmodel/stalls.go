package etcdmodel

import (
	"math"
	"time"
)

// Elections in closed form; replicas.go simulates them.
//
// A leader's loop that saves for S sends nothing meanwhile. A follower that saves the same entry
// for s hears nothing and does not tick. Then it has one tick, and counts the rest of S. It grants
// a vote after n ticks, n = Election / Heartbeat, and asks for votes after its limit, which it drew
// from n to 2n-1. So the leader is lost if, before S is over,
//
//	a follower comes to its limit while quorum - 1 others have counted n.
//
// If all members stall alike nobody has counted: there is no election, however long S is. What
// decides is by how much the members differ. [Cluster.Shared] is the part of that which a single
// member's distribution does not tell.

// patience returns the time (ns) without a word of the leader after which a follower may grant
// another its vote.
func (c Cluster) patience() float64 {
	return float64(c.Election/c.Heartbeat-1) * float64(c.Heartbeat)
}

// stalls reports whether a save of any member may outlast a follower's patience.
func (c Cluster) stalls(bytes float64) bool {
	for i := range c.Members {
		if longestSave(c.Disks[i], bytes) > c.patience() {
			return c.Members > 1
		}
	}
	return false
}

func longestSave(d Disk, bytes float64) float64 {
	return float64(quantileOf(d.Fsync, 1)) + byteTime(d, bytes)
}

// byteTime returns the ns of the bytes beyond the disk's Size.
func byteTime(d Disk, bytes float64) float64 {
	return d.perByte() * math.Max(0, bytes-float64(d.Size))
}

// A hazard tells how a leader is lost. Followers keep the limits that they drew until the next
// term. With some limits a leader stays for good, though its disk is slow.
type hazard struct {
	loss   float64             // elections/s while it leads, with limits that allow one
	immune float64             // share of limits that allow none
	stalls float64             // saves/s that outlast a follower's patience
	next   [maxMembers]float64 // shares of those that succeed it
}

// leaves returns the chance that the leader is lost within a horizon (s) that is drawn
// exponentially.
func (h *hazard) leaves(horizon float64) float64 {
	return (1 - h.immune) * h.loss * horizon / (1 + h.loss*horizon)
}

// hazards returns the closed form for each member as the leader. Members with equal disks have
// equal ones.
func (c Cluster) hazards(m *mix, rate float64, l Load) []hazard {
	all, alike := make([]hazard, c.Members), c.alike()
	for i := range all {
		if i > 0 && alike {
			all[i] = all[0]
			all[i].next[0], all[i].next[i] = all[0].next[i], all[0].next[0]
			continue
		}
		led := c.ledBy(i)
		most, _ := led.sustainable(*m, l.LeaderOnly)
		x := math.Min(rate, most)
		t := newTurn(&led, m, x, l)
		bytes := m.wal * x / math.Max(t.fsyncs, math.SmallestNonzeroFloat64)
		h := &all[i]
		next := led.stallLoss(h, t, bytes)
		for j, w := range next { // led's member j is ours j, but for the first and the i-th
			switch j {
			case 0:
			case i:
				h.next[0] = w
			default:
				h.next[j] = w
			}
		}
		h.add(i, c.Members, led.quorumLoss(t), led.followerBusy(t))
		if h.loss > 0 {
			h.loss = 1 / (1/h.loss + led.vacancy())
		}
	}
	return all
}

// alike reports whether one disk was given for all members.
func (c Cluster) alike() bool {
	shared := func(a, b []Quantile) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }
	a := &c.Disks[0]
	for i := range c.Disks {
		d := &c.Disks[i]
		if !shared(a.Fsync, d.Fsync) || !shared(a.Commit, d.Commit) || a.DB != d.DB ||
			a.Size != d.Size || a.Bandwidth != d.Bandwidth {
			return false
		}
	}
	return true
}

// add adds losses/s of a leader that no quorum answers. Busy followers do not tick, so that it is
// elected again. Otherwise all have the same chance.
func (h *hazard) add(member, members int, loss, busy float64) {
	if loss == 0 {
		return
	}
	stall := h.loss * (1 - h.immune)
	sum := stall + loss
	for j := range members {
		h.next[j] = h.next[j]*stall/sum + (1-busy)/float64(members)*loss/sum
	}
	h.next[member] += busy * loss / sum
	h.loss, h.immune, h.stalls = sum, 0, math.Max(h.stalls, loss)
}

// quorumLoss returns how often in a second a leader steps down since no quorum has answered it for
// an election timeout of its own ticks (raft's CheckQuorum). Followers answer after each save. They
// begin together, so the answers are missing until the (quorum-1)-th of them has saved, in m:
//
//	E[max(0, m - window)] / window / (E[m] + 1/turns),  turns: the leader's saves/s
//
// The leader itself is elected again: the others' loops do not tick while they save.
func (c Cluster) quorumLoss(t *turn) float64 {
	window := c.patience() + float64(c.Heartbeat)
	if t.busy > 0.5 { // each turn has one tick
		window = math.Max(window, float64(c.Election/c.Heartbeat)*t.cycle)
	}
	apart := c.apartLoss(t, window)
	d, mean, late := newStallDraws(c), 0.0, 0.0
	if d.quorumSave(0.999) <= window {
		return apart * (1 - c.Shared)
	}
	for range quorumDraws {
		d.n++
		m := d.quorumSave(-1)
		mean += m / quorumDraws
		if t.busy <= 0.5 { // it does not tick while it saves the same entry
			m -= d.draw(0, 2*c.Members)
		}
		late += math.Max(0, m-window) / quorumDraws
	}
	each := late / window / (mean + 1e9/math.Max(t.fsyncs, math.SmallestNonzeroFloat64)) * 1e9
	return math.Max(each, apart) * (1 - c.Shared)
}

// apartLoss is the same of stalls that do not begin together, but fall on each other by chance.
// Each follower is silent for longer than the window in a share p of the time. One more of them
// than a quorum can spare has to be.
func (c Cluster) apartLoss(t *turn, window float64) float64 {
	sum, slow := 0.0, 0
	for j := 1; j < c.Members; j++ {
		if longestSave(c.Disks[j], 0) <= window {
			continue
		}
		slow++
		late, before := 0.0, 0.0
		for _, q := range tailPoints {
			late += (q - before) * math.Max(0, float64(quantileOf(c.Disks[j].Fsync, (before+q)/2))-window)
			before = q
		}
		sum += late / (float64(meanOf(c.Disks[j].Fsync)) + 1e9/math.Max(t.fsyncs, math.SmallestNonzeroFloat64))
	}
	some, ways := c.Members-c.quorum()+1, 1.0
	if slow < some {
		return 0
	}
	p := math.Min(1, sum/float64(slow))
	for k := range some {
		ways = ways * float64(slow-k) / float64(k+1)
	}
	return ways * math.Pow(p, float64(some)) / window * 1e9
}

// followerBusy returns the chance that entries have come to a follower by the end of its save.
func (c Cluster) followerBusy(t *turn) float64 { return 1 - math.Exp(-t.fsyncs*c.followerSave()/1e9) }

const quorumDraws = 128

// quorumSave returns the time in which a quorum's followers have saved: at a place of their
// distributions, or at places that are drawn where it is negative.
func (d *draws) quorumSave(place float64) float64 {
	var saves [maxMembers]float64
	n := 0
	for j := 1; j < d.c.Members; j++ {
		u := place
		if u < 0 {
			u = d.uniform(2*j - 2)
		}
		x, at := d.places[j][int(u*stallPlaces)], n
		for at > 0 && saves[at-1] > x {
			saves[at] = saves[at-1]
			at--
		}
		saves[at] = x
		n++
	}
	return saves[d.c.quorum()-2]
}

// vacancy returns the mean time (s) without a leader: from 1 to 2 election timeouts, then two
// rounds of votes, of which the second is saved.
func (c Cluster) vacancy() float64 {
	return (1.5*float64(c.Election) + 2*float64(c.RTT) + 2*c.followerSave()) / 1e9
}

// ledBy returns the cluster with another member's disk first: what a closed form takes for the
// leader's.
func (c Cluster) ledBy(i int) Cluster {
	if i == 0 {
		return c
	}
	disks := append([]Disk(nil), c.Disks...)
	disks[0], disks[i] = disks[i], disks[0]
	c.Disks = disks
	return c
}

// The closed form tries limitDraws draws of the followers' limits, and saveDraws of their saves for
// each place in the leader's distribution.
const (
	limitDraws = 24
	saveDraws  = 4
)

// stallLoss finds how the leader is lost while it saves, and returns who succeeds.
func (c Cluster) stallLoss(h *hazard, t *turn, bytes float64) (next [maxMembers]float64) {
	if longestSave(c.Disks[0], bytes) <= c.patience() {
		return next
	}
	draws := newStallDraws(c)
	draws.lag(t)
	var loss [limitDraws]float64
	before, last, sum := 0.0, -1.0, 0.0
	for i, q := range tailPoints {
		s := float64(quantileOf(c.Disks[0].Fsync, (before+q)/2)) + byteTime(c.Disks[0], bytes)
		if i+1 < len(tailPoints) && s == last { // all the same: counted with the last of them
			continue
		}
		weight := q - before
		before, last = q, s
		if s <= c.patience() {
			continue
		}
		h.stalls += weight * t.fsyncs
		for k := range loss {
			for range saveDraws {
				if who := draws.winner(s, k); who > 0 {
					loss[k] += weight / saveDraws
					next[who] += weight
					sum += weight
				}
			}
		}
	}
	for j := range next {
		next[j] /= math.Max(sum, math.SmallestNonzeroFloat64)
	}
	h.mix(loss[:], t.fsyncs*(1-c.Shared))
	return next
}

// mix takes the chances of a save by draws of limits.
func (h *hazard) mix(loss []float64, saves float64) {
	sum, some := 0.0, 0.0
	for _, x := range loss {
		if x*saves*time.Hour.Seconds() > 0.1 {
			sum, some = sum+x, some+1
		}
	}
	h.loss, h.immune = saves*sum/math.Max(1, some), 1-some/float64(len(loss))
}

// inFirstHour returns the elections to expect in the first hour, in which member 0 leads at the
// start. A leader on a slow disk is lost once: then another leads. visits counts how often each
// member comes to lead within a horizon that is drawn exponentially with a mean of an hour:
//
//	visits = e0 + next' leaves visits
func inFirstHour(all []hazard) float64 {
	n := len(all)
	var a [maxMembers][maxMembers + 1]float64
	var leaves [maxMembers]float64
	for j := range n {
		leaves[j] = all[j].leaves(time.Hour.Seconds())
		a[j][j]++
		for i := range n {
			a[i][j] -= leaves[j] * all[j].next[i]
		}
	}
	a[0][n] = 1
	for p := range n { // columns dominate their diagonal: no pivoting
		for i := p + 1; i < n; i++ {
			f := a[i][p] / a[p][p]
			for j := p; j <= n; j++ {
				a[i][j] -= f * a[p][j]
			}
		}
	}
	var visits [maxMembers]float64
	sum := 0.0
	for i := n - 1; i >= 0; i-- {
		visits[i] = a[i][n]
		for j := i + 1; j < n; j++ {
			visits[i] -= a[i][j] * visits[j]
		}
		visits[i] /= a[i][i]
		sum += visits[i] * leaves[i]
	}
	return sum
}
