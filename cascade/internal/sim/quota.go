package sim

import (
	"github.com/redline-go/redline/cascade/story"
)

// etcd's quota: at the first write that finds the db file too large the alarm NOSPACE goes on, and every write fails until the members are
// defragmented and the alarm is disarmed. While all is quiet the db grows by what is counted, from one point of the series to the next.

// checkQuota notes that the quota is reached. Nothing is quiet then.
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
