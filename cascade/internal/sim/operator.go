package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/scheduler/retry"
)

// operator is who acts on the cluster.
type operator struct {
	*cluster
	kubectl
}

// act does what the scenario says, as an operator or as fate.
func (op *operator) act(i int32) {
	a := &op.s.Actions[i]
	switch a.Do {
	case scenario.Scale:
		op.note(story.Scaled, itoa(a.N), story.ByOperator)
		op.ask(forScale, i, 0)
	case scenario.Delay:
		op.calm.count()
		if op.s.Etcd.Fsync+a.For > quietFsync {
			op.calm.wake()
		}
		if a.For > 0 {
			op.note(story.DiskSlow, a.For.String(), story.ByScenario)
		} else {
			op.note(story.DiskFast, "", story.ByScenario)
		}
		op.etcd.setDelay(op.now, a.N, a.For)
	case scenario.Silence:
		op.calm.wake()
		op.note(story.KubeletsSilent, "", story.ByScenario)
		for i := range op.kubelets.list {
			op.kubelets.silence(int32(i))
		}
	case scenario.Awake:
		op.note(story.KubeletsAwake, "", story.ByScenario)
		for i := range op.kubelets.list {
			op.kubelets.awake(int32(i))
		}
	case scenario.Stall:
		op.calm.wake()
		op.kubelets.stall(a.N, a.For)
	case scenario.Churn:
		op.sched.churnGen++
		op.sched.churnEvery = a.For
		if a.For > 0 {
			op.at(op.now+a.For, evChurn, 0, op.sched.churnGen)
		}
	case scenario.Load:
		op.hpa.demand = float64(op.s.Workload.Start()*op.hpa.spec.Request*op.hpa.spec.Target) / 100 * float64(a.N) / 100
		op.users.changed()
	case scenario.Kill:
		op.calm.wake()
		op.note(story.MemberKilled, itoa(op.etcd.killMember(op.now, a.N)), story.ByOperator)
	case scenario.Clear:
		op.sched.catchUp()
		n := op.sched.unscheduled.ClearEvents()
		op.note(story.EventsCleared, itoa(n), story.ByOperator)
		op.bulk(forPodDelete, n)
	case scenario.Room:
		op.note(story.RoomChanged, itoa(a.N), story.ByScenario)
		op.sched.catchUp()
		op.sched.roomFor = a.N
		op.sched.tellRoom()
		op.sched.unscheduled.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted, Fits: true})
		op.sched.busy = true
		op.sched.tickSoon()
	case scenario.Crash:
		op.pods.crash(a.N, a.For)
	case scenario.Restart:
		op.restart(a.What, a.N)
	case scenario.Defrag:
		op.calm.count()
		op.defrag()
	case scenario.Down:
		op.calm.wake()
		op.kubelets.powerOff(a.N, a.For)
	}
}

// restart is an operator who restarts a component: API server or etcd member n, or all API servers and etcd's leader if n is 0.
func (op *operator) restart(what string, n int) {
	op.calm.wake()
	switch what {
	case scenario.KubeAPIServer:
		for i := range op.servers.list {
			if (n == 0 || n == i+1) && !op.servers.list[i].down {
				op.servers.kill(int32(i))
			}
		}
	case scenario.EtcdMember:
		n = op.etcd.killMember(op.now, n)
		what += " " + itoa(n)
	default:
		for i, name := range componentNames {
			if name == what {
				op.electors.restart(int32(i))
			}
		}
	}
	op.note(story.Restarted, what, story.ByOperator)
}

// compacting is how long an operator lets a compaction run before the defragmentation.
const compacting = 10 * time.Second

func (op *operator) defrag() {
	op.etcd.advance(op.now)
	op.etcd.server.Compact(0)
	op.etcd.poke()
	op.at(op.now+compacting, evDefrag, 0, 0)
}

func (op *operator) defragmented() {
	op.calm.count()
	op.etcd.advance(op.now)
	op.etcd.server.Defrag()
	op.etcd.poke()
	if err := op.etcd.server.Disarm(); err == nil { // else the live keys alone fill the quota
		op.rec.noSpace = false
	}
	op.note(story.Defragmented, itoa(int(op.etcd.server.DB().Total>>20))+" MiB", story.ByOperator)
}
