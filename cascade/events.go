package cascade

// What the events of one family lead to; [plane.handle] has dropped those that are void.

func (p *plane) requestEvent(kind uint16, i int32) {
	switch kind {
	case evAdmit:
		p.admit(i)
	case evPatience:
		p.finish(i, gaveUp)
	case evDeadline:
		p.finish(i, late)
	case evEtcdDeadline:
		if p.requests[i].stage == writing {
			p.finish(i, failed)
		}
	case evProbeOver:
		p.finish(i, failed)
	case evAnswer:
		p.answer(i)
	case evDrop:
		p.finish(i, refused)
	}
}

func (p *plane) leaseEvent(kind uint16, i int32) {
	switch kind {
	case evLease:
		p.leaseRound(i)
	case evLeaseRetry:
		p.leasePut(i)
	case evLeaseGet:
		p.ask(forLeaseGet, i, 0)
	}
}

func (p *plane) electEvent(kind uint16, i int32) {
	switch kind {
	case evElectRenew:
		p.electRenew(i)
	case evElectTry:
		p.electTry(i)
	case evElectDeadline:
		p.electLost(i)
	case evElectStart:
		p.electStart(i)
	case evInformers:
		p.ask(forInformers, i, 0)
	}
}

func (p *plane) periodicEvent(kind uint16, i int32) {
	switch kind {
	case evLivez:
		p.livez(i)
	case evIdentity:
		p.identity(i)
	case evKubectl:
		p.ask(forKubectl, 0, 0)
	case evSeats:
		p.borrowSeats()
		p.queue.Push(p.now+seatsPeriod, evSeats, 0, p.periodic)
	}
}

func (p *plane) controllerEvent(kind uint16, i int32) {
	switch kind {
	case evNodeEvent:
		p.postEvent()
	case evReplicas:
		p.syncReplicas()
	case evEndpoints:
		p.writeEndpoints(i)
	case evEvict:
		p.evict(i)
	}
}
