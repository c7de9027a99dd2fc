package etcdmodel

import (
	"math"
	"time"

	"github.com/redline-go/redline/internal/stream"
)

// Elections, in closed form and from a simulation.
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

// sharing draws the fdatasyncs that members have in common.
type sharing struct {
	rng    stream.Source
	until  int64   // saves that begin before are of the same moment
	u      float64 // their place in each disk's distribution
	common bool
}

func (s *sharing) uniform() float64 { return float64(s.rng.Uint64()<<11>>11) / (1 << 53) }

// saveTime draws one fdatasync of a member. Those that begin while the first of a moment is under
// way belong to it.
func (e *engine) saveTime(m *member, bytes int64) int64 {
	if e.c.Shared == 0 {
		return m.disk.save(bytes)
	}
	x := &e.sharing
	first := e.now >= x.until
	if first {
		x.common, x.u = x.uniform() < e.c.Shared, x.uniform()
	}
	took := int64(0)
	if x.common {
		took = m.disk.fsync.at(x.u) + m.disk.byteTime(bytes)
	} else {
		took = m.disk.save(bytes)
	}
	if first {
		x.until = e.now + took
	}
	return took
}

// reign is what one member did as a leader.
type reign struct {
	led    int64 // ns
	lost   int   // elections that it lost
	stalls int   // saves that outlast a follower's least patience
	next   [maxMembers]int
}

const maxMembers = 9

// reigns counts for [Prediction.Elections].
type reigns struct {
	of     [maxMembers]reign
	leader int // the last
	since  int64
}

// deposed notes that another member leads from now on.
func (r *reigns) deposed(to int, now int64) {
	x := &r.of[r.leader]
	x.led += now - r.since
	x.lost++
	x.next[to]++
	r.leader, r.since = to, now
}

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

// A hazard is how a leader is lost.
type hazard struct {
	loss   float64             // elections/s while it leads
	stalls float64             // saves/s that outlast a follower's patience
	next   [maxMembers]float64 // shares of those that succeed it
}

// hazards returns the closed form for each member as the leader.
func (c Cluster) hazards(m *mix, rate float64, leaderOnly bool) []hazard {
	all := make([]hazard, c.Members)
	for i := range all {
		led := c.ledBy(i)
		if longestSave(led.Disks[0], m.wal*maxGap) <= c.patience() {
			continue
		}
		most, _ := led.sustainable(*m, leaderOnly)
		x := math.Min(rate, most)
		t := newTurn(&led, m, x, leaderOnly)
		bytes := m.wal * x / math.Max(t.fsyncs, math.SmallestNonzeroFloat64)
		loss, stalls, next := led.stallChance(bytes)
		h := &all[i]
		h.loss, h.stalls = loss*t.fsyncs, stalls*t.fsyncs
		for j, w := range next { // led's member j is ours j, but for the first and the i-th
			switch j {
			case 0:
			case i:
				h.next[0] = w
			default:
				h.next[j] = w
			}
		}
	}
	return all
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

// stallDraws is the number of draws for each place in the leader's distribution.
const stallDraws = 24

// stallChance returns the chance that one of the leader's saves loses it the lead, the chance that
// it outlasts a follower's patience, and who succeeds.
func (c Cluster) stallChance(bytes float64) (loss, stalls float64, next [maxMembers]float64) {
	draws := newStallDraws(c)
	before := 0.0
	for _, q := range tailPoints {
		s := float64(quantileOf(c.Disks[0].Fsync, (before+q)/2)) + byteTime(c.Disks[0], bytes)
		weight := q - before
		before = q
		if s <= c.patience() {
			continue
		}
		stalls += weight
		for range stallDraws {
			if who := draws.winner(s); who > 0 {
				loss += weight / stallDraws
				next[who] += weight / stallDraws
			}
		}
	}
	if loss > 0 {
		for j := range next {
			next[j] /= loss
		}
	}
	return loss * (1 - c.Shared), stalls, next
}

// draws of followers' saves and limits: a low-discrepancy sequence, the same at every call.
type draws struct {
	c      *Cluster
	places [maxMembers][stallPlaces]float64 // of each follower's distribution, ns
	n      int
}

const stallPlaces = 16

func newStallDraws(c Cluster) *draws {
	d := &draws{c: &c}
	for j := 1; j < c.Members; j++ {
		for k := range stallPlaces {
			d.places[j][k] = float64(quantileOf(c.Disks[j].Fsync, (float64(k)+0.5)/stallPlaces))
		}
	}
	return d
}

// frequency makes the sequences of two coordinates independent: square roots of primes.
var frequency = [...]float64{
	0.41421356, 0.73205081, 0.23606798, 0.64575131, 0.31662479, 0.60555128, 0.12310563, 0.35889894,
	0.79583152, 0.38516481, 0.56776436, 0.08276253, 0.40312424, 0.55743852, 0.85565460, 0.28010989,
}

func (d *draws) uniform(coordinate int) float64 {
	x := frequency[coordinate%len(frequency)] * float64(d.n)
	return x - math.Floor(x)
}

// winner draws the followers' saves and limits, and returns the first that is elected during a
// stall of s ns. It returns 0 if none is.
func (d *draws) winner(s float64) int {
	d.n++
	c := d.c
	beat, n := float64(c.Heartbeat), float64(c.Election/c.Heartbeat)
	var willing, asks [maxMembers]float64
	for j := 1; j < c.Members; j++ {
		save := d.places[j][int(d.uniform(2*j-2)*stallPlaces)]
		began := math.Max(0, save-beat) // one tick waits for the end of the save
		phase := d.uniform(2*j-1) * n
		limit := n + math.Floor(phase)
		first := began + (phase-math.Floor(phase)-1)*beat
		willing[j], asks[j] = first+n*beat, first+limit*beat
	}
	best, at := 0, s-float64(c.RTT)
	for j := 1; j < c.Members; j++ {
		grant := 0
		for k := 1; k < c.Members; k++ {
			if k != j && willing[k] <= asks[j] {
				grant++
			}
		}
		if grant >= c.quorum()-1 && asks[j] < at {
			best, at = j, asks[j]
		}
	}
	return best
}

// inFirstHour returns the elections to expect in the first hour, in which member 0 leads at the
// start. A leader on a slow disk is lost once: then another leads. tau is the time that each
// member leads until a horizon that is drawn exponentially with that mean:
//
//	(I + T G)' tau = T e0,  G = diag(loss) (I - next)
func inFirstHour(all []hazard) float64 {
	horizon, n := time.Hour.Seconds(), len(all)
	var a [maxMembers][maxMembers + 1]float64
	for i := range n {
		a[i][i] = 1
		for j := range n { // column j: leaving j
			a[i][j] -= horizon * all[j].loss * all[j].next[i]
		}
		a[i][i] += horizon * all[i].loss
	}
	a[0][n] = horizon
	for p := range n { // columns dominate their diagonal: no pivoting
		for i := p + 1; i < n; i++ {
			f := a[i][p] / a[p][p]
			for j := p; j <= n; j++ {
				a[i][j] -= f * a[p][j]
			}
		}
	}
	var tau [maxMembers]float64
	sum := 0.0
	for i := n - 1; i >= 0; i-- {
		tau[i] = a[i][n]
		for j := i + 1; j < n; j++ {
			tau[i] -= a[i][j] * tau[j]
		}
		tau[i] /= a[i][i]
		sum += tau[i] * all[i].loss
	}
	return sum
}

// What a simulation goes on for to see elections: this many stalls of the leader, within this time
// and number of writes.
const (
	enoughStalls   = 40
	electionTime   = int64(20 * time.Minute)
	electionWrites = 50_000
)

// elections simulates on until it has seen enough stalls, and returns the elections to expect in
// the first hour. Of stalls that are too rare for that it takes the closed form.
func (s *simulation) elections(c Cluster, m *mix, rate float64, leaderOnly bool) float64 {
	e := s.e
	end, writes := e.now+electionTime, e.nextID+electionWrites
	for e.now < end && e.nextID < writes && e.reigns.of[e.reigns.leader].stalls < enoughStalls {
		e.run(e.now + int64(2*time.Second))
	}
	all := c.hazards(m, rate, leaderOnly)
	e.reigns.of[e.reigns.leader].led += e.now - e.reigns.since
	e.reigns.since = e.now
	for i := range all {
		all[i].learn(&e.reigns.of[i])
	}
	return inFirstHour(all)
}

// learn takes in what a simulation has seen. The closed form counts as enoughStalls stalls.
func (h *hazard) learn(r *reign) {
	led := float64(r.led) / 1e9
	switch {
	case r.stalls >= enoughStalls/2:
		h.loss = float64(r.lost) / led
	case led > 0 && h.stalls > 0:
		prior := enoughStalls / h.stalls
		h.loss = (float64(r.lost) + h.loss*prior) / (led + prior)
	case r.lost > 0:
		h.loss = float64(r.lost) / led
	}
	if r.lost > 0 {
		for j := range h.next {
			h.next[j] = float64(r.next[j]) / float64(r.lost)
		}
	}
}
