package sim

import (
	"time"
)

// endpoints are the EndpointSlice and the Endpoints controller. Each change of a serving pod's
// readiness makes both write their one object of the Service. They write one at a time, and a
// second after the change at the earliest.
type endpoints struct {
	*cluster
	writers [2]endpointsWriter // of the EndpointSlice, and of the Endpoints
}

// endpointsWriter is one of the two controllers.
type endpointsWriter struct {
	limit  limiter
	why    purpose
	out    bool // a write is under way
	dirty  bool // the object has to be written
	posted int  // ready endpoints that the object shows
}

// start lets both objects show the pods that run.
func (ep *endpoints) start(c *cluster) {
	ep.cluster = c
	for i, why := range []purpose{forSlice, forEndpoints} {
		ep.writers[i] = endpointsWriter{limit: newLimiter(20, 30), why: why, posted: c.s.Workload.Start()}
	}
}

// changed makes both controllers write, since a serving pod became ready or ceased to be.
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

// write sends a controller's write, if there is something to write.
func (ep *endpoints) write(i int32) {
	w := &ep.writers[i]
	if !w.dirty || w.out || !ep.electors.list[controllers].working {
		return
	}
	w.dirty, w.out = false, true
	ep.askVia(&w.limit, w.why, i, 0)
}

// reply ends a controller's write, and plans another if it failed or came too early.
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

// ready returns how many of the workload's pods are ready by their stored conditions.
func (ep *endpoints) ready() int {
	n := 0
	for i := range ep.nodes {
		n += int(ep.pods.storedReady(int32(i)))
	}
	return n
}
