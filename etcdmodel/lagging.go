package etcdmodel

import "math"

// A lagging follower saves for longer than the leader and the quorum. Nobody waits for it but the
// clients that talk to it.
type lagging struct {
	disk  *Disk
	share float64 // weight of its requests, where those of another member have 1/Members
}

// lagging returns the followers that lag and that clients talk to.
func (t *turn) lagging() []lagging {
	if t.remote == 0 {
		return nil
	}
	var all []lagging
	for i := 1; i < t.c.Members; i++ {
		d := &t.c.Disks[i]
		if fsync := float64(meanOf(d.Fsync)); fsync <= math.Max(t.follower-float64(t.c.RTT), t.fsync) {
			continue
		}
		share := 1 / float64(t.c.Members)
		if t.keeps { // a client that waits longer sends fewer
			share *= t.mean() / t.behindMean(d)
		}
		all = append(all, lagging{d, share})
	}
	return all
}

// behind returns the time (ns) of a request that is sent to a follower that lags: until that has
// saved the entry and applied it. An idle one needs one save F. One that saves all the time first
// ends the save under way, and the entry's commit comes with the save after the entry's:
//
//	F, or F (2.2 + 2.5 u) where it is busy,  u uniform
//
// It is read off the simulation, whose mean is within 20 % of it for F of 20 ms to 1 s and 0.2 to
// 100 writes/s. A real one of 1 s with 50 clients (three_member.csv) had a p90 of 4.2 s.
func (t *turn) behind(d *Disk, place, u float64) float64 {
	fsync := float64(quantileOf(d.Fsync, place)) + float64(t.c.RTT)
	busy, ns := t.rate*fsync/(1e9+t.rate*fsync), fsync
	if u < busy {
		ns = fsync * (2.2 + 2.5*u/busy)
	}
	return math.Max(ns+t.work, t.mean())
}

// behindMean returns the mean of behind.
func (t *turn) behindMean(d *Disk) float64 {
	fsync := float64(meanOf(d.Fsync)) + float64(t.c.RTT)
	return math.Max(fsync*(1+2.45*t.rate*fsync/(1e9+t.rate*fsync))+t.work, t.mean())
}

// perClient returns the number of closed clients divided by their rate, in ns.
func (t *turn) perClient() float64 {
	mean, each := t.mean(), 1/float64(t.c.Members)
	rate, sum, near := 0.0, 0.0, 1.0
	for _, l := range t.lagging() {
		x := t.behindMean(l.disk)
		near, rate, sum = near-each, rate+each/x, sum+each*x
	}
	if t.keeps {
		return 1 / (near/mean + rate)
	}
	return near*mean + sum
}
