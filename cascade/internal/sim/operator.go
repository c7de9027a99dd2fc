package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// operator is who acts on the cluster.
type operator struct {
	*cluster
	kubectl
}

// act does what the scenario says, as an operator or as fate.
func (op *operator) act(i int32) { acts[op.s.Actions[i].Do](op, i, &op.s.Actions[i]) }

// acts has what each verb does, by its action and that action's number.
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

// delay makes every fsync of a member, or of all, take that much longer.
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

// defrag compacts etcd, and defragments it when the compaction has had its time.
func (op *operator) defrag() {
	op.calm.count()
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
