package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/internal/stream"
)

// electors have the state of the components that elect a leader.
type electors struct {
	*cluster
	list  [components]elector
	draws stream.Source
}

// elector is client-go's leader election around one component, with the component's process.
//
// A leader PUTs its lease from the version that it knows. If that fails it GETs and PUTs, as it
// does when its lease is no longer valid. Every request has the client's timeout, and all together
// have the renew deadline. After that the process exits. A candidate GETs the lease until it has
// seen no change for the lease's whole duration, and then PUTs.
type elector struct {
	// The process.
	alive    bool
	working  bool          // does its work; with Scenario.Observe even after its lease is lost
	process  uint32        // how many processes have ended
	gen      uint32        // generation of its timers
	restarts int           // for CrashLoopBackOff
	informed time.Duration // backoff of the lists at its start

	// The election.
	leading  bool
	released bool          // the lease was given back: nobody waits for it to run out
	lease    uint32        // stored version
	known    uint32        // version that it writes from
	seen     uint32        // version that it saw last
	seenAny  bool          // it has seen one
	valid    time.Duration // when it saw the lease change last
	deadline time.Duration // for the renewal under way
	slow     bool          // this try has fallen back to GET and PUT
	tried    time.Duration // when the last try began
	parked   bool          // a candidate that asks in vain: no API server listens
	request  int32         // the last one sent
	sent     uint32        // that request's generation
	owed     float64       // renewals that are due while they are only counted
}

// The components that elect a leader, by index into electors.list.
const (
	scheduler = iota
	controllers
	components
)

// componentNames are the components' names in the story and in actions.
var componentNames = [components]string{scenario.KubeScheduler, scenario.KubeControllerManager}

// start makes every component lead and work.
func (es *electors) start(c *cluster) {
	es.cluster = c
	es.draws.Reset(c.s.Seed, "election")
	for i := range es.list {
		es.list[i] = elector{alive: true, leading: true, working: true}
	}
}

// renew begins a leader's renewal of its lease, with the renew deadline.
func (es *electors) renew(i int32) {
	e := &es.list[i]
	e.deadline = es.now + es.s.Elections.Renew
	es.at(e.deadline, evElectDeadline, i, e.gen)
	es.try(i)
}

// try begins a try to acquire or renew the lease (tryAcquireOrRenew).
func (es *electors) try(i int32) {
	e := &es.list[i]
	e.tried = es.now
	if e.leading && es.now < e.valid+es.s.Elections.Lease {
		e.slow = false
		es.send(forElection, i)
		return
	}
	e.slow = true
	es.send(forElectionGet, i)
}

// send sends a request of an election and remembers it, so that the end of the process can drop
// it.
func (es *electors) send(why purpose, i int32) {
	e := &es.list[i]
	at := es.newRequest(why, i, e.known)
	e.request, e.sent = at, es.requests[at].gen
	es.admit(at)
}

// reply goes on with a try. read says that the answer is to a GET.
func (es *electors) reply(i int32, version uint32, c code, read bool) {
	e := &es.list[i]
	if !e.alive {
		return
	}
	switch {
	case read && c == ok:
		es.read(i)
	case !read && c == ok:
		e.known, e.seen, e.valid = version+1, version+1, es.now
		if !e.leading {
			es.lead(i)
			return
		}
		e.gen++ // voids the deadline
		es.at(es.now+es.s.Elections.Retry, evElectRenew, i, e.gen)
	case !read && e.leading && !e.slow:
		e.slow = true
		es.send(forElectionGet, i)
	case c == refused && !e.leading && e.tried == es.now && es.servers.none() && !es.eager:
		e.parked = true // refused in the instant of the try, so that no two are at the same time
	default:
		es.later(i)
	}
}

// read goes on after a GET of the lease. A candidate waits while the lease may still be valid.
func (es *electors) read(i int32) {
	e := &es.list[i]
	if !e.seenAny || e.seen != e.lease {
		e.seen, e.seenAny, e.valid = e.lease, true, es.now
	}
	e.known = e.lease
	if !e.leading && !e.released && es.now < e.valid+es.s.Elections.Lease {
		es.later(i)
		return
	}
	es.send(forElection, i)
}

// later plans the next try. A leader's come by a ticker, so that a try that outlasted the period
// is followed at once.
func (es *electors) later(i int32) {
	e := &es.list[i]
	if e.leading {
		es.at(max(es.now, e.tried+es.s.Elections.Retry), evElectTry, i, e.gen)
		return
	}
	es.at(es.now+es.wait(), evElectTry, i, e.gen)
}

// wait draws a candidate's pause between two tries.
func (es *electors) wait() time.Duration {
	return time.Duration(float64(es.s.Elections.Retry) * (1 + 1.2*es.draws.Float()))
}

// lead makes a component the leader, and starts its work.
func (es *electors) lead(i int32) {
	e := &es.list[i]
	e.leading, e.released = true, false
	es.note(story.LeaderAcquired, componentNames[i], story.ByRecovery)
	if !e.working {
		es.begin(i)
	}
	e.gen++
	es.at(es.now+es.s.Elections.Retry, evElectRenew, i, e.gen)
}

// lost ends the process of a component that could not renew its lease in time. The kubelet
// restarts it after CrashLoopBackOff. With Scenario.Observe its work goes on, and it stands for
// election again after 10 s.
func (es *electors) lost(i int32) {
	e := &es.list[i]
	e.gen++
	es.abandon(e.request, e.sent)
	e.leading, e.alive = false, false
	es.note(story.LeaderLost, componentNames[i], story.L4)
	wait := 10 * time.Second
	if !es.s.Observe {
		es.halt(i)
		wait = crashLoop(e.restarts)
	}
	e.restarts++
	es.at(es.now+wait, evElectStart, i, e.gen)
}
