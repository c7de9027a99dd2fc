package cascade

import "time"

// etcd's quota: at the first write that finds the db file too large the alarm NOSPACE goes on, and every write fails until the members are
// defragmented and the alarm is disarmed. While all is quiet the db grows by what is counted, from one point of the series to the next.

// checkQuota notes that the quota is reached. Nothing is quiet then.
func (p *plane) checkQuota() {
	if !p.store.server.Full() || p.rec.noSpace {
		return
	}
	p.rec.noSpace = true
	if p.rec.full < 0 {
		p.rec.full = p.now
	}
	p.note(QuotaReached, itoa(int(p.store.server.DB().Total>>20))+" MiB", L9)
	p.wake()
}

// compacting is how long an operator lets a compaction run before the defragmentation.
const compacting = 10 * time.Second

func (p *plane) defrag() {
	p.store.advance(p.now)
	p.store.server.Compact(0)
	p.store.poke()
	p.queue.Push(p.now+compacting, evDefrag, 0, 0)
}

func (p *plane) defragmented() {
	p.count()
	p.store.advance(p.now)
	p.store.server.Defrag()
	p.store.poke()
	if err := p.store.server.Disarm(); err == nil { // else the live keys alone fill the quota
		p.rec.noSpace = false
	}
	p.note(Defragmented, itoa(int(p.store.server.DB().Total>>20))+" MiB", ByOperator)
}
