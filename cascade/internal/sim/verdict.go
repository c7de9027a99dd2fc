package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// judge judges the cluster's state over the last interval of the grid. It is down if renewals
// fail, a node is NotReady or endpoints are drained. It is impaired if it is down, or if a leader
// or an API server is missing.
func (rc *recorder) judge(leading, endpoints int) {
	rc.judgePeaks(endpoints)
	rc.judgeRenewals()
	rc.judgeEndpoints(endpoints)
	rc.judgeUsers()
	down := rc.failing || rc.life.notReady > 0 || rc.drained
	impaired := down || leading < components
	for i := range rc.servers.list {
		impaired = impaired || rc.servers.list[i].down
	}
	if impaired {
		rc.impairedFor += rc.s.Grid
		if rc.firstBad < 0 {
			rc.firstBad = rc.now
		}
	}
	if down {
		rc.downFor += rc.s.Grid
		if rc.until >= 0 && rc.now > rc.until {
			rc.downAfter = rc.now
			if rc.life.notReady == 0 && !rc.drained { // the failure lies in the middle of the window
				rc.downAfter = max(rc.until, rc.now-rc.span()/2)
			}
		}
	}
}

// judgePeaks updates the extremes: pending pods, endpoints, Events in a minute.
func (rc *recorder) judgePeaks(endpoints int) {
	rc.peakPending = max(rc.peakPending, rc.pods.pending)
	rc.minEndpoints = min(rc.minEndpoints, endpoints)
	if since := rc.now - rc.minute; since >= time.Minute {
		events := float64(rc.events-rc.eventsThen) * float64(time.Minute) / float64(since)
		rc.minuteEvents = max(rc.minuteEvents, events)
		rc.minute, rc.eventsThen = rc.now, rc.events
	}
}

// span returns the time over which renewals are judged.
func (rc *recorder) span() time.Duration { return time.Duration(rc.window) * rc.s.Grid }

// judgeRenewals judges whether Leases are renewed. They fail if fewer than half of those that are
// due have landed.
func (rc *recorder) judgeRenewals() {
	now := rc.wroteBy[forLease]
	fresh := now - rc.landed[rc.slot]
	rc.landed[rc.slot] = now
	rc.slot = (rc.slot + 1) % rc.window
	span := rc.span()
	due := float64(rc.s.Nodes) * span.Seconds() / (1.02 * rc.s.Leases.Renew.Seconds())
	failing := rc.now > span && float64(fresh) < due/2
	if failing == rc.failing {
		return
	}
	rc.failing = failing
	switch {
	case !failing:
		rc.note(story.RenewalsLand, "", story.ByRecovery)
	case rc.now >= rc.from && rc.from >= 0:
		rc.note(story.RenewalsFail, "", story.L6)
	}
}

// judgeEndpoints judges whether endpoints are drained. Pods that crash, and those that have never
// been Ready, are not missed.
func (rc *recorder) judgeEndpoints(endpoints int) {
	drained := endpoints < rc.pods.running-rc.pods.crashers-rc.pods.fresh && endpoints < rc.s.Workload.Start()
	if drained == rc.drained {
		return
	}
	rc.drained = drained
	if drained {
		rc.note(story.Drained, itoa(rc.pods.running-endpoints)+" of "+itoa(rc.pods.running), story.L10)
	} else {
		rc.note(story.Refilled, "", story.ByRecovery)
	}
}

// judgeUsers takes over the failures that users have met since the last point.
func (rc *recorder) judgeUsers() {
	rc.users.changed()
	rc.errors, rc.dead = rc.users.sum/rc.s.Grid.Seconds(), rc.users.dead/rc.s.Grid.Seconds()
	rc.users.sum, rc.users.dead = 0, 0
	rc.worstErrors = max(rc.worstErrors, rc.errors)
	rc.errorSeconds += rc.errors * rc.s.Grid.Seconds()
}

// verdict judges the whole run.
func (rc *recorder) verdict() story.Verdict {
	v := story.Verdict{State: story.Healthy, Down: rc.downFor, Impaired: rc.impairedFor}
	if rc.firstBad < 0 {
		return v
	}
	v.State = story.Degraded
	v.Degraded = rc.firstBad - max(0, rc.from)
	if rc.downAfter >= 0 {
		v.Recovered = rc.downAfter - rc.until
		if v.Recovered > story.Outlast {
			v.State = story.Metastable
		}
	}
	return v
}

// totals returns the counts, with warnings about those that are not well founded.
func (rc *recorder) totals() (story.Totals, []error) {
	fsyncs, commits := rc.etcd.server.Counted()
	t := story.Totals{
		Writes: rc.writes, Proposals: rc.committed, Wasted: rc.committed - rc.writes,
		LeasesLanded: rc.wroteBy[forLease], LeasesAsked: rc.asked[forLease],
		PeakNotReady: rc.peakNotReady, PeakPending: rc.peakPending, FirstNotReady: rc.firstNotReady,
		Bound:     rc.wroteBy[forPodBind],
		ScaleTook: rc.operator.took, ScaleAcked: rc.operator.acked, ScaleFailed: rc.operator.failed,
		Attempts: rc.attempts, Patches: rc.messages, Events: rc.events, EventsPerMinute: rc.minuteEvents,
		PodsCreated: rc.wroteBy[forPodCreate], PodsRefused: rc.refused, Evictions: rc.evictions,
		LeaderLosses: rc.losses, ServerKills: rc.kills, FirstLeaderLoss: rc.firstLoss, FirstKill: rc.firstKill,
		ReadTimeouts: rc.timeouts, PLEGFails: rc.plegFails,
		DBGrowth: rc.dbBytes, WALFsyncs: int(rc.calm.fsyncs) + fsyncs, BackendCommits: commits,
		LeaseP50: quantile(&rc.leaseLatency, 0.5), LeaseP99: quantile(&rc.leaseLatency, 0.99),
		CommitP99: quantile(&rc.latency, 0.99),
		Term:      rc.etcd.term, MinEndpoints: rc.minEndpoints, WorstErrors: rc.worstErrors, ErrorSeconds: rc.errorSeconds,
		Crashes: rc.crashes, Creating: rc.pods.creating(), ProxySyncs: rc.proxies.syncs,
		DB: rc.etcd.server.DB().Total, NoSpace: rc.full,
	}
	for c := conflict; c < codes; c++ {
		t.LeasesFailed += rc.answered[forLease][c]
	}
	var warnings []error
	t.ProxySync, t.ProxyStaleness, warnings = rc.proxies.cost()
	return t, warnings
}
