package sim

import (
	"time"
)

// An API server counts the objects of each of its resources for its metrics. Each count is a
// quorum read of etcd without a deadline. The next comes 1 to 2.2 min after the answer
// (apiserver/pkg/registry/generic/registry/store.go, startObservingCount; v1.29.2 and v1.37.2).
// Together they are two reads in three seconds. So a slow disk nearly always has a round of reads
// under way that others come too late for.
const (
	countedResources = 64 // of kube-apiserver v1.37.2 without CRDs, by etcd's log (docs/cascade.md)
	countPeriod      = time.Minute
	countJitter      = 1.2
)

// startCounts begins a server's counts. Those of a fresh process begin at once, others somewhere
// in their periods.
func (sv *servers) startCounts(i int32, fresh bool) {
	s := &sv.list[i]
	s.counting++
	for range countedResources {
		at := sv.now
		if !fresh {
			at += sv.countDue()
		}
		sv.at(at, evCount, i, s.counting)
	}
}

// countDue returns the time until the next count of a resource. The process started Uptime before
// the run, or long ago.
func (sv *servers) countDue() time.Duration {
	since := sv.now + sv.s.Uptime
	if sv.s.Uptime == 0 || since > 20*countPeriod {
		wait := sv.countWait()
		return time.Duration(sv.probeDraws.Float() * float64(wait))
	}
	for since >= 0 {
		since -= sv.countWait()
	}
	return -since
}

// countWait draws the time between two counts of a resource.
func (sv *servers) countWait() time.Duration {
	return time.Duration((1 + countJitter*sv.probeDraws.Float()) * float64(countPeriod))
}

// countObjects sends the count of a resource.
func (sv *servers) countObjects(i int32, gen uint32) {
	if s := &sv.list[i]; gen == s.counting && !s.down && !sv.quiet {
		sv.ask(forCount, i, gen)
	}
}

// countReply plans the next count of a resource, however this one ended.
func (sv *servers) countReply(i int32, gen uint32) {
	if gen == sv.list[i].counting {
		sv.at(sv.now+sv.countWait(), evCount, i, gen)
	}
}
