package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// operator does what the scenario's actions say, as an operator or as fate.
type operator struct {
	*cluster
	kubectl
}

// acts has the effect of each verb. An effect gets its action and that action's number.
var acts = map[scenario.Verb]func(op *operator, i int32, a *scenario.Action){
	scenario.Scale: func(op *operator, i int32, a *scenario.Action) {
		op.note(story.Scaled, itoa(a.N), story.ByOperator)
		op.ask(forScale, i, 0)
	},
	scenario.Delay:   func(op *operator, _ int32, a *scenario.Action) { op.delay(a.N, a.For) },
	scenario.Silence: func(op *operator, _ int32, _ *scenario.Action) { op.kubelets.silenceAll() },
	scenario.Awake:   func(op *operator, _ int32, _ *scenario.Action) { op.kubelets.awakeAll() },
	scenario.Stall:   func(op *operator, _ int32, a *scenario.Action) { op.kubelets.stall(a.N, a.For) },
	scenario.Down:    func(op *operator, _ int32, a *scenario.Action) { op.kubelets.powerOff(a.N, a.For) },
	scenario.Churn:   func(op *operator, _ int32, a *scenario.Action) { op.sched.startChurn(a.For) },
	scenario.Clear:   func(op *operator, _ int32, _ *scenario.Action) { op.sched.clearEvents() },
	scenario.Room:    func(op *operator, _ int32, a *scenario.Action) { op.sched.changeRoom(a.N) },
	scenario.Crash:   func(op *operator, _ int32, a *scenario.Action) { op.pods.crash(a.N, a.For) },
	scenario.Load:    func(op *operator, _ int32, a *scenario.Action) { op.hpa.load(a.N) },
	scenario.Restart: func(op *operator, _ int32, a *scenario.Action) { op.restart(a.What, a.N) },
	scenario.Defrag:  func(op *operator, _ int32, _ *scenario.Action) { op.defrag() },
	scenario.Kill: func(op *operator, _ int32, a *scenario.Action) {
		op.calm.wake()
		op.note(story.MemberKilled, itoa(op.etcd.killMember(op.now, a.N)), story.ByOperator)
	},
}

// compacting is the time that an operator gives a compaction before the defragmentation.
const compacting = 10 * time.Second

// act does the scenario's action i.
func (op *operator) act(i int32) { acts[op.s.Actions[i].Do](op, i, &op.s.Actions[i]) }

// delay makes every fsync of a member take that much longer. Member 0 means all of them.
func (op *operator) delay(member int, by time.Duration) {
	op.calm.count()
	if op.s.Etcd.Fsync+by > quietFsync {
		op.calm.wake()
	}
	if by > 0 {
		op.note(story.DiskSlow, by.String(), story.ByScenario)
	} else {
		op.note(story.DiskFast, "", story.ByScenario)
	}
	op.etcd.setDelay(op.now, member, by)
}

// restart restarts a component: the API server or etcd member number n, or all API servers and
// etcd's leader if n is 0.
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

// defrag compacts etcd, and plans its defragmentation.
func (op *operator) defrag() {
	op.calm.count()
	op.etcd.advance(op.now)
	op.etcd.server.Compact(0)
	op.etcd.poke()
	op.at(op.now+compacting, evDefrag, 0, 0)
}

// defragmented defragments etcd and disarms its alarm. The alarm stays if the live keys alone fill
// the quota.
func (op *operator) defragmented() {
	op.calm.count()
	op.etcd.advance(op.now)
	op.etcd.server.Defrag()
	op.etcd.poke()
	if err := op.etcd.server.Disarm(); err == nil {
		op.rec.noSpace = false
	}
	op.note(story.Defragmented, itoa(int(op.etcd.server.DB().Total>>20))+" MiB", story.ByOperator)
}
