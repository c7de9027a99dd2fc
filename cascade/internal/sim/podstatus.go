package sim

import (
	"time"
)

// spamBurst and spamGap are client-go's spam filter for the Events of one object (tools/record/events_cache.go).
const (
	spamBurst = 25
	spamGap   = 300 * time.Second
)

// podEvents are Events of one pod by its kubelet: each is a write, as its count grows if nothing else, until the recorder's spam filter drops it.
func (ps *pods) postEvents(i int32, n int) {
	d := &ps.slots[i]
	d.spam = min(spamBurst, d.spam+float64(ps.now-d.spamAt)/float64(spamGap))
	d.spamAt = ps.now
	for range n {
		if d.spam < 1 || ps.kubelets.list[d.node].silent {
			return
		}
		d.spam--
		ps.ask(forKubeletEvent, d.node, 0)
	}
}

// Status reports: a kubelet's status manager sends them one after the other, at once when a status changes, and all that failed every 10 s
// (status/status_manager.go, Start and syncBatch): a quorum GET of the pod, then a PATCH.

func (ps *pods) owes(i int32) {
	ps.slots[i].owed = true
	ps.reportsWake(ps.slots[i].node)
}

func (ps *pods) reportsWake(node int32) {
	if k := &ps.away[node]; !k.reporting && !ps.kubelets.list[node].silent {
		k.reporting = true
		ps.report(node)
	}
}

// report sends the first status that the kubelet owes.
func (ps *pods) report(node int32) {
	k := &ps.kubelets.list[node]
	for at := ps.away[node].slots; at > 0 && !k.silent; at = ps.slots[at-1].next {
		if d := &ps.slots[at-1]; d.owed {
			ps.askVia(&ps.kubelets.limits[node], forReportGet, node, ps.key(at-1))
			return
		}
	}
	ps.away[node].reporting = false
}

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
		d := &ps.slots[i]
		d.owed, d.told = false, d.serves()
		ps.askVia(&ps.kubelets.limits[node], forReport, node, key)
	}
}

// reported is a pod's status in etcd.
func (ps *pods) reported(key uint32) {
	i, here := ps.of(key)
	if !here {
		return
	}
	d := &ps.slots[i]
	if d.ready != d.told {
		d.ready = d.told
		if d.ready {
			ps.rec.creating = max(ps.rec.creating, d.creating(ps.now))
			ps.known(d)
			ps.away[d.node].unready--
		} else {
			ps.away[d.node].unready++
		}
		ps.endpoints.changed()
	}
	if d.ready && d.serves() && !d.crasher && !d.owed {
		ps.giveBack(i)
	}
}

// creating is for how long kubectl has said ContainerCreating of the pod: since it was bound, until it is reported to run.
func (d *pod) creating(now time.Duration) time.Duration {
	if d.crasher || d.phase == podFree || d.phase == podBinding {
		return 0
	}
	return now - d.since
}

// creating is the longest of all pods, be it that it goes on.
func (ps *pods) creating() time.Duration {
	longest := ps.rec.creating
	for i := range ps.slots {
		if d := &ps.slots[i]; !d.ready {
			longest = max(longest, d.creating(ps.now))
		}
	}
	return longest
}
