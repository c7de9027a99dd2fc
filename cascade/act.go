package cascade

import (
	"time"

	"github.com/redline-go/redline/scheduler/retry"
)

// act does what the scenario says, as an operator or as fate.
func (p *plane) act(i int32) {
	a := &p.s.Actions[i]
	switch a.Do {
	case Scale:
		p.note(Scaled, itoa(a.N), ByOperator)
		p.ask(forScale, i, 0)
	case Delay:
		p.count()
		if p.s.Etcd.Fsync+a.For > quietFsync {
			p.wake()
		}
		if a.For > 0 {
			p.note(DiskSlow, a.For.String(), ByScenario)
		} else {
			p.note(DiskFast, "", ByScenario)
		}
		p.store.setDelay(p.now, a.N, a.For)
	case Silence:
		p.wake()
		p.note(KubeletsSilent, "", ByScenario)
		for i := range p.kubelets {
			p.silence(int32(i))
		}
	case Awake:
		p.note(KubeletsAwake, "", ByScenario)
		for i := range p.kubelets {
			p.awake(int32(i))
		}
	case Stall:
		p.wake()
		p.stall(a.N, a.For)
	case Churn:
		p.churnGen++
		p.churnEvery = a.For
		if a.For > 0 {
			p.queue.Push(p.now+a.For, evChurn, 0, p.churnGen)
		}
	case Load:
		p.demand = float64(p.s.Workload.start()*p.hpa.Request*p.hpa.Target) / 100 * float64(a.N) / 100
		p.usersChanged()
	case Kill:
		p.wake()
		p.note(MemberKilled, itoa(p.store.killMember(p.now, a.N)), ByOperator)
	case Clear:
		p.schedule()
		n := p.pods.ClearEvents()
		p.note(EventsCleared, itoa(n), ByOperator)
		p.bulk(forPodDelete, n)
	case Room:
		p.note(RoomChanged, itoa(a.N), ByScenario)
		p.schedule()
		p.roomFor = a.N
		p.room()
		p.pods.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted, Fits: true})
		p.podsBusy = true
		p.scheduleSoon()
	case Crash:
		p.crash(a.N, a.For)
	case Restart:
		p.restart(a.What, a.N)
	case Defrag:
		p.count()
		p.defrag()
	case Down:
		p.wake()
		p.powerOff(a.N, a.For)
	}
}

func (p *plane) silence(i int32) {
	k := &p.kubelets[i]
	k.silent = true
	k.leaseGen++
	k.statusGen++
}

// awake starts a kubelet within 10 s: it reads its Lease, reports its status and that of its pods.
func (p *plane) awake(i int32) {
	k := &p.kubelets[i]
	k.silent, k.statusOut, k.patching, k.waiting = false, false, false, true
	k.parked, k.statusParked = 0, 0
	k.again, k.ensured, k.sleep = false, true, 100*time.Millisecond
	start := p.now + time.Duration(p.kubeletDraws.Float()*float64(p.s.Leases.Renew))
	p.queue.Push(start, evLeaseGet, i, k.leaseGen)
	k.statusGen++
	k.reported = -statusReport
	p.queue.Push(start, evStatus, i, k.statusGen)
	p.podsWake(i)
	p.unparkPods(i)
}
