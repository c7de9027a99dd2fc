package cascade

import "time"

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
		p.silence()
	case Awake:
		p.note(KubeletsAwake, "", ByScenario)
		p.awake()
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
	case Kill:
		p.wake()
		p.note(MemberKilled, itoa(p.store.killMember(p.now, a.N)), ByOperator)
	case Clear:
		p.schedule()
		n := p.pods.Status().LiveEvents
		p.note(EventsCleared, itoa(n), ByOperator)
		p.bulk(forPodDelete, n)
	}
}

// scaleReply is kubectl's: an error is shown, and the operator tries again.
func (p *plane) scaleReply(i int32, c code) {
	if c != ok {
		p.queue.Push(p.now+2*time.Second, evScaleAgain, i, 0)
		return
	}
	p.scaleTook = max(p.scaleTook, p.now-p.s.Actions[i].At)
	p.rs.want = p.s.Actions[i].N
	p.syncReplicas()
}

func (p *plane) silence() {
	for i := range p.kubelets {
		k := &p.kubelets[i]
		k.silent = true
		k.leaseGen++
		k.statusGen++
	}
}

// awake starts all kubelets within 10 s: each reads its Lease, reports its status and that of its pods.
func (p *plane) awake() {
	for i := range p.kubelets {
		k := &p.kubelets[i]
		k.silent, k.statusOut, k.patching, k.waiting = false, false, false, true
		k.parked, k.statusParked = 0, 0
		k.again, k.ensured, k.sleep = false, true, 100*time.Millisecond
		start := p.now + time.Duration(p.kubeletDraws.Float()*float64(p.s.Leases.Renew))
		p.queue.Push(start, evLeaseGet, int32(i), k.leaseGen)
		k.statusGen++
		k.reported = -statusReport
		p.queue.Push(start, evStatus, int32(i), k.statusGen)
		p.podsWake(int32(i))
	}
}
