package sim

import (
	"time"
)

// Endpoints: each change of a serving pod's readiness makes the EndpointSlice and the Endpoints controller write their
// one object of the Service, a second later at the earliest, one write at a time.

type endpointsWriter struct {
	limit  limiter
	why    purpose
	out    bool
	dirty  bool
	posted int // ready endpoints that the object shows
}

// endpoints are the two controllers.
type endpoints struct {
	*cluster
	writers [2]endpointsWriter
}

func (ep *endpoints) start(c *cluster) {
	ep.cluster = c
	for i, why := range []purpose{forSlice, forEndpoints} {
		ep.writers[i] = endpointsWriter{limit: newLimiter(20, 30), why: why, posted: c.s.Workload.Start()}
	}
}

// changed says that a serving pod became ready or ceased to be.
func (ep *endpoints) changed() {
	for i := range ep.writers {
		w := &ep.writers[i]
		if w.dirty {
			continue
		}
		w.dirty = true
		if !w.out {
			ep.at(ep.now+time.Second, evEndpoints, int32(i), ep.electors.list[controllers].process)
		}
	}
}

func (ep *endpoints) write(i int32) {
	w := &ep.writers[i]
	if !w.dirty || w.out || !ep.electors.list[controllers].working {
		return
	}
	w.dirty, w.out = false, true
	ep.askVia(&w.limit, w.why, i, 0)
}

func (ep *endpoints) reply(i int32, c code) {
	w := &ep.writers[i]
	w.out = false
	if c != ok {
		w.dirty = true
	}
	if w.dirty {
		ep.at(ep.now+time.Second, evEndpoints, i, ep.electors.list[controllers].process)
	}
}

// readyEndpoints is how many serving pods are marked ready.
func (ep *endpoints) ready() int {
	n := 0
	for i := range ep.nodes {
		n += int(ep.pods.storedReady(int32(i)))
	}
	return n
}
