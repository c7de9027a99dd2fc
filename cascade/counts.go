package cascade

import "time"

// An API server counts the objects of each of its resources for its metrics: a quorum read of etcd, again 1 to 2.2 min after the last
// was answered, without a deadline (apiserver/pkg/registry/generic/registry/store.go, startObservingCount; v1.29.2 and v1.37.2). They
// are two reads in three seconds, and on a slow disk there is thereby nearly always a round of reads under way that others come too late for.

const (
	countedResources = 64 // of kube-apiserver v1.37.2 without CRDs, by etcd's log (docs/cascade.md)
	countPeriod      = time.Minute
	countJitter      = 1.2
)

// startCounts begins a server's counts: at once in a process that starts, else where they are in their periods.
func (p *plane) startCounts(i int32, fresh bool) {
	s := &p.servers[i]
	s.counting++
	for range countedResources {
		at := p.now
		if !fresh {
			at += p.countDue()
		}
		p.queue.Push(at, evCount, i, s.counting)
	}
}

// countDue is the time until the next count of a resource: of one whose process started Uptime before the run, or long ago.
func (p *plane) countDue() time.Duration {
	since := p.now + p.s.Uptime
	if p.s.Uptime == 0 || since > 20*countPeriod {
		wait := p.countWait()
		return time.Duration(p.probeDraws.Float() * float64(wait))
	}
	for since >= 0 {
		since -= p.countWait()
	}
	return -since
}

func (p *plane) countWait() time.Duration {
	return time.Duration((1 + countJitter*p.probeDraws.Float()) * float64(countPeriod))
}

func (p *plane) countObjects(i int32, gen uint32) {
	if s := &p.servers[i]; gen == s.counting && !s.down && !p.quiet {
		p.ask(forCount, i, gen)
	}
}

func (p *plane) countReply(i int32, gen uint32) {
	if gen == p.servers[i].counting {
		p.queue.Push(p.now+p.countWait(), evCount, i, gen)
	}
}
