package etcdmodel

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Elections are simulated in replicas, each with limits of its own, until one has seen this many
// stalls in a term or this many elections, for this time and number of writes at most.
const (
	replicas        = 8
	enoughStalls    = 40
	enoughElections = 4
	electionTime    = int64(2 * time.Minute)
	electionWrites  = 3_000

	// negligible is the number of elections an hour in the closed form below which nothing is
	// simulated: it is within a factor of five of the simulation, and one is what is warned of.
	negligible = 0.02
)

// elections returns the elections to expect in the first hour by simulations of the load, and by
// the closed form of what they did not see often enough. It ends early with ctx's error.
func elections(ctx context.Context, c Cluster, l Load, m *mix, rate float64) (float64, error) {
	all := c.hazards(m, rate, l)
	l = l.writes()
	chunk := min(int64(time.Second), int64(1e9*electionWrites/4/math.Max(rate, 1)))
	var seen [maxMembers]reign
	for k := range replicas {
		c.Seed += uint64(k)
		e := newSimulation(c, l).e
		r := &e.reigns
		for e.now < electionTime && e.nextID < electionWrites &&
			r.stalls < enoughStalls && e.count.elections < enoughElections {
			if err := ctx.Err(); err != nil {
				return 0, fmt.Errorf("etcdmodel: %w", err)
			}
			e.run(e.now + chunk)
		}
		if r.stalls > 0 || e.now >= electionTime {
			r.ends(e.now)
		}
		for i := range seen {
			seen[i].add(&r.of[i])
		}
	}
	for i := range all {
		all[i].learn(&seen[i])
	}
	return inFirstHour(all), nil
}

// writes returns the load without what needs no fdatasync: that stalls nobody.
func (l Load) writes() Load {
	var streams []Stream
	for _, s := range l.Streams {
		if s.Op.Kind.Writes() {
			streams = append(streams, s)
		}
	}
	l.Streams = streams
	if !l.Op.Kind.Writes() {
		l.Clients = 0
	}
	return l
}

// learn takes in what the simulations have seen of a leader. The closed form counts as much as
// enoughStalls stalls.
func (h *hazard) learn(r *reign) {
	if r.terms == 0 {
		return
	}
	h.immune = math.Min(h.immune, 1-float64(r.lost)/float64(r.terms))
	led, prior := float64(r.led)/1e9*(1-h.immune), 0.0
	if h.stalls > 0 {
		prior = math.Min(enoughStalls/h.stalls, century.Seconds())
	}
	if led+prior > 0 {
		h.loss = (float64(r.lost) + h.loss*prior) / (led + prior)
	}
	if r.lost > 0 {
		for j := range h.next {
			h.next[j] = float64(r.next[j]) / float64(r.lost)
		}
	}
}
