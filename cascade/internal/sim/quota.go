package sim

import (
	"github.com/redline-go/redline/cascade/story"
)

// direct is the `who` of a delete of an unscheduled pod. The API server deletes it, and an Event,
// by a transaction without a put, which a full etcd takes. The DELETE of a bound pod is first an
// update of its deletionTimestamp, which a full etcd refuses
// (k8s.io/apiserver, registry/generic/registry/store.go, updateForGracefulDeletionAndFinalizers).
// The two differ only at the quota: elsewhere both count as one write of a pod.
const direct = 1

// checkQuota notes that etcd's quota is reached. At the first write that finds the db file too
// large the alarm NOSPACE goes on. Every write then fails until the members are defragmented and
// the alarm is disarmed.
//
// While all is quiet the db grows by what is counted, from one point of the series to the next. It
// is not quiet once the quota is reached.
func (e *etcd) checkQuota() {
	if !e.server.Full() || e.rec.noSpace {
		return
	}
	e.rec.noSpace = true
	if e.rec.full < 0 {
		e.rec.full = e.now
	}
	e.note(story.QuotaReached, itoa(int(e.server.DB().Total>>20))+" MiB", story.L9)
	e.calm.wake()
}
