package retry

import "time"

// usage is a ResourceQuota's status as one writer keeps it: one update at a time, and
// what changes while one waits or is under way goes into the next.
type usage struct {
	begins, ends time.Duration // of the last update asked for
}

// change adds a change of the usage at time `at`, with a writer whose updates take so long. It
// returns when the next update lands, and whether it is one more.
func (u *usage) change(at, takes time.Duration) (time.Duration, bool) {
	switch {
	case at < u.begins: // one that has not begun will carry it
		return 0, false
	case at < u.ends:
		u.begins = u.ends
	default:
		u.begins = at
	}
	u.ends = u.begins + takes
	return u.ends, true
}

// admit does the API server's part. It writes the usage before it creates a pod, and lets
// creations that come meanwhile share the next update (admission/plugin/resourcequota,
// checkAttributes). A creation is these two writes, one after the other.
func (r *ReplicaSet) admit(lands time.Duration) {
	r.changeQuota(&r.admitted, lands-r.api.Latency, r.api.Latency/2)
}

// freeQuota does the quota controller's part after n pods have gone. Its work queue has one key,
// so what comes during an update shares the next.
func (r *ReplicaSet) freeQuota(n int) {
	for range n {
		r.changeQuota(&r.freed, r.now, r.api.Latency)
	}
}

func (r *ReplicaSet) changeQuota(u *usage, at, takes time.Duration) {
	if r.api.Quota == 0 {
		return
	}
	if landed, written := u.change(at, takes); written {
		r.push(landing{landed, quotaWritten})
	}
}
