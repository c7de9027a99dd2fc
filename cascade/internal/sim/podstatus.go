package sim

import (
	"time"
)

// A kubelet's status manager sends status reports one after the other (status/status_manager.go,
// Start and syncBatch). It sends a report at once when a status changes, and all that failed every
// 10 s. A report is a quorum GET of the pod, then a PATCH.

// The spam filter of client-go's Event recorder for one object: a burst, and the time in which one
// more Event is allowed (tools/record/events_cache.go).
const (
	spamBurst = 25
	spamGap   = 300 * time.Second
)

// owes makes a kubelet owe the report of a pod's status.
func (ps *pods) owes(i int32) {
	ps.slots[i].owed = true
	ps.reportsWake(ps.slots[i].node)
}

// reportsWake begins to send the reports that a kubelet owes.
func (ps *pods) reportsWake(node int32) {
	if a := &ps.away[node]; !a.reporting && !ps.kubelets.list[node].silent {
		a.reporting = true
		ps.report(node)
	}
}

// report sends the first status that the kubelet owes.
func (ps *pods) report(node int32) {
	k := &ps.kubelets.list[node]
	for at := ps.away[node].slots; at > 0 && !k.silent; at = ps.slots[at-1].next {
		if p := &ps.slots[at-1]; p.owed {
			ps.askVia(&ps.kubelets.limits[node], forReportGet, node, ps.key(at-1))
			return
		}
	}
	ps.away[node].reporting = false
}

// reportReply goes on after a GET or a PATCH of a report.
func (ps *pods) reportReply(why purpose, node int32, key uint32, c code) {
	i, here := ps.of(key)
	switch {
	case c != ok:
		if here {
			ps.slots[i].owed = true
		}
		ps.at(ps.now+statusPeriod, evReport, node, 0)
	case !here || why == forReport:
		ps.report(node)
	default:
		p := &ps.slots[i]
		p.owed, p.told = false, p.serves()
		ps.askVia(&ps.kubelets.limits[node], forReport, node, key)
	}
}

// reported handles a pod's status that has landed. A pod that is Ready and has never crashed gives
// its slot back.
func (ps *pods) reported(key uint32) {
	i, here := ps.of(key)
	if !here {
		return
	}
	p := &ps.slots[i]
	if p.ready != p.told {
		p.ready = p.told
		if p.ready {
			ps.rec.creating = max(ps.rec.creating, p.creating(ps.now))
			ps.clearFresh(p)
			ps.away[p.node].unready--
		} else {
			ps.away[p.node].unready++
		}
		ps.endpoints.changed()
	}
	if p.ready && p.serves() && !p.crasher && !p.owed {
		ps.giveBack(i)
	}
}

// postEvents writes n Events of a pod by its kubelet. Each is a write, if only of a larger count,
// until the recorder's spam filter drops it.
func (ps *pods) postEvents(i int32, n int) {
	p := &ps.slots[i]
	p.spam = min(spamBurst, p.spam+float64(ps.now-p.spamAt)/float64(spamGap))
	p.spamAt = ps.now
	for range n {
		if p.spam < 1 || ps.kubelets.list[p.node].silent {
			return
		}
		p.spam--
		ps.ask(forKubeletEvent, p.node, 0)
	}
}

// creating returns for how long kubectl has said ContainerCreating of the pod: since it was bound,
// until it is reported to run.
func (p *pod) creating(now time.Duration) time.Duration {
	if p.crasher || p.phase == podFree || p.phase == podBinding {
		return 0
	}
	return now - p.since
}

// creating returns the longest ContainerCreating of all pods, including those that are still
// creating.
func (ps *pods) creating() time.Duration {
	longest := ps.rec.creating
	for i := range ps.slots {
		if p := &ps.slots[i]; !p.ready {
			longest = max(longest, p.creating(ps.now))
		}
	}
	return longest
}
