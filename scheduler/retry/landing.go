package retry

import (
	"strconv"
	"time"
)

// landing is a request of the controller on its way: what it does when it is answered.
type landing struct {
	at   time.Duration
	kind landingKind
}

type landingKind uint8

const (
	podCreated landingKind = iota
	podRefused
	podFailed
	podDeleted
	podTerminating
	statusWritten
	quotaWritten
	eventCreated
	eventPatched
)

type record struct {
	at   time.Duration
	kind landingKind
	name int
}

// push keeps the requests in order of time.
func (r *ReplicaSet) push(l landing) {
	i := len(r.landing)
	for i > 0 && r.landing[i-1].at > l.at {
		i--
	}
	r.landing = append(r.landing, landing{})
	copy(r.landing[i+1:], r.landing[i:])
	r.landing[i] = l
}

// land takes the first request's answer.
func (r *ReplicaSet) land() {
	l := r.landing[0]
	r.landing = r.landing[:copy(r.landing, r.landing[1:])]
	switch l.kind {
	case podCreated:
		r.step.Creates++
		r.active++
		r.coming--
		r.dirty = true // the informer shows the new pod
	case podRefused:
		r.step.Refusals++
	case podFailed:
		r.step.Errors++
	case podDeleted, podTerminating:
		r.step.Deletes++
		r.dirty = true
		if l.kind == podDeleted {
			r.freeQuota(1)
		}
	case statusWritten:
		r.step.StatusUpdates++
		return
	case quotaWritten:
		r.step.QuotaUpdates++
		return
	case eventCreated:
		r.step.EventCreates++
		return
	case eventPatched:
		r.step.EventUpdates++
		return
	}
	r.names++
	r.records = append(r.records, record{l.at, l.kind, r.names})
}

// send does the work of the recorder's one goroutine. It correlates the next Event, writes it with
// a token of the controller's own client, and waits for the answer.
func (r *ReplicaSet) send() {
	x := r.records[0]
	r.records = r.records[:copy(r.records, r.records[1:])]
	warning := x.kind == podRefused || x.kind == podFailed
	reason := "SuccessfulCreate"
	if warning {
		reason = "FailedCreate"
	} else if x.kind == podDeleted || x.kind == podTerminating {
		reason = "SuccessfulDelete"
	}
	kind := eventCreated
	switch r.recorder.Record(r.now, warning, reason, strconv.Itoa(x.name)) {
	case Dropped:
		return
	case Patched:
		kind = eventPatched
	}
	r.sender = r.client.take(r.now) + r.api.Latency
	r.push(landing{r.sender, kind})
}
