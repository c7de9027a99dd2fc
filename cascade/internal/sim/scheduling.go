package sim

import (
	"math"
	"time"

	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/scheduler/retry"
)

// scheduling is kube-scheduler at work: its queue (package scheduler/retry) and what feeds it.
type scheduling struct {
	*cluster
	unscheduled *retry.Queue
	busy        bool          // something happened since the last tick
	tickParked  time.Duration // when the next tick of a scheduler that is away is due; 0: it is an event
	api         retry.API     // as the queue was told last
	roomFor     int           // workload pods that the nodes have room for
	churnEvery  time.Duration // zero: no churn
	churnGen    uint32        // generation of the timer of churn
}

// soon is the generation of an evSchedule between two ticks. Pods that fit do not wait for the
// next tick to be bound.
const soon = 1

// start makes the queue.
func (sc *scheduling) start(c *cluster) error {
	sc.cluster, sc.roomFor = c, c.s.Workload.Room
	var err error
	sc.unscheduled, err = retry.NewQueue(retry.Config{Version: c.s.Version})
	return err
}

// due looks at the queue: at a tick, or soon after room was found.
func (sc *scheduling) due(gen uint32) {
	if gen == soon {
		sc.apiAnswers()
		sc.catchUp()
		return
	}
	sc.tick()
}

// tick keeps the scheduler's queue up to date: every second while it works, every ten seconds
// while it rests.
func (sc *scheduling) tick() {
	sc.busy = false
	sc.apiAnswers()
	if sc.parkTick() {
		return
	}
	sc.catchUp()
	wait := 10 * time.Second
	if sc.busy || !sc.quiet && sc.pods.pending > 0 {
		wait = time.Second
	}
	sc.at(sc.now+wait, evSchedule, 0, 0)
}

// tickSoon plans a look at the queue between two ticks.
func (sc *scheduling) tickSoon() { sc.at(sc.now+10*time.Millisecond, evSchedule, 0, soon) }

// catchUp runs the scheduler's queue until now, and sends what that wrote.
func (sc *scheduling) catchUp() {
	st := sc.unscheduled.Advance(sc.now)
	if st == (retry.Step{}) {
		return
	}
	sc.busy = true
	sc.rec.attempts += st.Attempts
	sc.rec.messages += st.PodPatches
	sc.rec.events += st.EventCreates + st.EventUpdates
	if st.Bound > 0 {
		sc.pods.pending -= st.Bound
		sc.pods.running += st.Bound
		sc.place(st.Bound)
		sc.bulk(forPodBind, st.Bound)
	}
	sc.bulk(forPodMessage, st.PodPatches-st.PatchErrors)
	sc.bulk(forPodEvent, st.EventCreates+st.EventUpdates)
}

// apiAnswers tells the scheduler's queue how the API server answers its requests at present: as
// the control plane's last write was answered.
func (sc *scheduling) apiAnswers() {
	var a retry.API
	if sc.quiet {
		a.Latency = sc.etcd.quietLatency()
	} else {
		a.Latency = sc.etcd.writeLatency()
		if a.Latency >= etcdTimeout {
			a.Latency, a.PatchErrors = etcdTimeout, 1
			if !sc.s.Etcd.SeparateEvents {
				a.EventRejects = 1
			}
		}
	}
	if a != sc.api {
		sc.api = a
		if err := sc.unscheduled.SetAPI(a); err != nil {
			panic(err) // the latency is not negative, and the shares lie in 0 ... 1
		}
	}
}

// podCreated handles a pod that has landed in etcd. The scheduler sees it at once.
func (sc *scheduling) podCreated() {
	sc.replicas.have++
	sc.pods.pending++
	sc.catchUp()
	sc.unscheduled.Add(1)
	sc.busy = true
	if sc.pods.running < sc.roomFor {
		sc.tickSoon()
	}
}

// place puts pods that were bound on the ready nodes that run the fewest, level by level.
func (sc *scheduling) place(count int) {
	for count > 0 {
		least := int32(math.MaxInt32)
		for i := range sc.nodes {
			if n := &sc.nodes[i]; !n.notReady {
				least = min(least, n.serving)
			}
		}
		if least == math.MaxInt32 {
			panic("cascade: a pod was bound while no node was Ready")
		}
		for i := range sc.nodes {
			if n := &sc.nodes[i]; count > 0 && !n.notReady && n.serving == least {
				n.serving++
				n.pods++
				sc.pods.placed(int32(i))
				count--
			}
		}
	}
}

// bindAgain repeats a Binding that etcd refused.
func (sc *scheduling) bindAgain() {
	sc.bulk(forPodBind, 1)
	if sc.quiet {
		sc.pods.bindLanded()
	}
}

// tellRoom tells the scheduler's queue how many more pods fit now. None do while every node is
// NotReady.
func (sc *scheduling) tellRoom() {
	n := max(0, sc.roomFor-sc.pods.running)
	if sc.life.notReady == len(sc.nodes) {
		n = 0
	}
	sc.unscheduled.SetRoom(n)
}

// changeRoom sets how many of the workload's pods the nodes hold, since other pods went or came.
func (sc *scheduling) changeRoom(n int) {
	sc.note(story.RoomChanged, itoa(n), story.ByScenario)
	sc.catchUp()
	sc.roomFor = n
	sc.tellRoom()
	sc.unscheduled.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted, Fits: true})
	sc.busy = true
	sc.tickSoon()
}

// messageChanged tells the queue that the scheduler's message would now be another. Its text
// counts the nodes that are tainted.
func (sc *scheduling) messageChanged() {
	by := retry.ByFit
	if sc.life.notReady > 0 {
		by |= retry.ByTaint
	}
	sc.catchUp()
	sc.tellRoom()
	sc.unscheduled.SetMessage(sc.life.notReady, by)
}

// nodeUntainted tells the queue that a full node has lost its taint.
func (sc *scheduling) nodeUntainted() {
	sc.catchUp()
	sc.unscheduled.Event(retry.ClusterEvent{Kind: retry.NodeTaintRemoved})
}

// startChurn deletes a bound pod of another workload every so often from now on. Zero stops it.
func (sc *scheduling) startChurn(every time.Duration) {
	sc.churnGen++
	sc.churnEvery = every
	if every > 0 {
		sc.at(sc.now+every, evChurn, 0, sc.churnGen)
	}
}

// churn deletes a bound pod of another workload. That wakes every pod that waits for room. A full
// etcd refuses it.
func (sc *scheduling) churn() {
	if sc.etcd.server.Full() {
		sc.rec.asked[forPodDelete]++
		sc.at(sc.now+sc.churnEvery, evChurn, 0, sc.churnGen)
		return
	}
	sc.catchUp()
	sc.unscheduled.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted})
	sc.busy = true
	sc.bulk(forPodDelete, 1)
	sc.at(sc.now+sc.churnEvery, evChurn, 0, sc.churnGen)
}

// clearEvents deletes all FailedScheduling Events.
func (sc *scheduling) clearEvents() {
	sc.catchUp()
	n := sc.unscheduled.ClearEvents()
	sc.note(story.EventsCleared, itoa(n), story.ByOperator)
	sc.bulk(forPodDelete, n)
}
