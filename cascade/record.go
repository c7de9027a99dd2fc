package cascade

import (
	"slices"
	"strconv"
	"time"
)

// recorder keeps the story and the series of a run, and judges it.
type recorder struct {
	on       bool // keep timeline and series; sweeps only want totals and the verdict
	timeline []Event
	series   [quantities][]float64
	last     [quantities]float64 // counters at the last grid point

	begin, end  time.Duration // of the trigger; end is negative if it never ends
	window      int           // grid points of the window for renewals
	landed      []int         // renewals landed at the last grid points, a ring
	at          int
	failing     bool
	drained     bool
	firstBad    time.Duration
	lastDown    time.Duration
	downAfter   time.Duration // last point at which it was down once the trigger was gone
	downFor     time.Duration
	impairedFor time.Duration

	firstNotReady, firstLoss, firstKill time.Duration
	peakNotReady, peakPending           int
	losses, kills, timeouts, plegFails  int
	minEndpoints                        int
	minuteEvents                        float64
	minute                              time.Duration
	eventsThen                          int
	errors, worstErrors, errorSeconds   float64 // share of the users' requests that fail: in the last interval, at the worst, added up
	dead                                float64 // endpoints that do not answer, in the last interval
	crashes                             int
	creating                            time.Duration
	full                                time.Duration // when the quota was reached first
	noSpace                             bool
}

// The series.
const (
	qWrites = iota
	qProposals
	qWasted
	qRenewals
	qNotReady
	qPending
	qEndpoints
	qLeading
	qAttempts
	qEvents
	qFsyncs
	qDB
	qErrors
	qDead
	qSlices
	qCreating
	qFile
	quantities
)

var quantityNames = [quantities][2]string{
	qWrites: {"etcd writes", "1/s"}, qProposals: {"etcd proposals", "1/s"}, qWasted: {"wasted proposals", "1/s"},
	qRenewals: {"lease renewals", "1/s"}, qNotReady: {"nodes NotReady", ""}, qPending: {"pods pending", ""},
	qEndpoints: {"endpoints ready", ""}, qLeading: {"leaders leading", ""}, qAttempts: {"scheduling attempts", "1/s"},
	qEvents: {"scheduler's Event writes", "1/s"}, qFsyncs: {"WAL fsyncs", "1/s"}, qDB: {"revisions written", "B"},
	qErrors: {"users' requests failing", "share"}, qDead: {"dead endpoints in the rules", ""}, qSlices: {"EndpointSlice updates", "1/s"},
	qCreating: {"pods bound and not serving", ""}, qFile: {"etcd db file", "B"},
}

const never = time.Duration(-1)

// merges is how far apart events of one kind and cause may be to be one line of the story. A crash loop's attempts come up to six minutes
// apart (CrashLoopBackOff of 5 min, and the start), and a volume's mount is tried every two minutes.
func merges(k Kind) time.Duration {
	switch k {
	case ServerExits, PodsWait, PodsStart, PodsCrash, ScaleFails:
		return 10 * time.Minute
	case LivezFails:
		return time.Minute
	}
	return 15 * time.Second
}

func (r *recorder) reset(s *Scenario, keep bool) {
	timeline, landed := r.timeline[:0], r.landed[:0]
	var series [quantities][]float64
	for i := range series {
		if series[i] = r.series[i][:0]; keep {
			series[i] = slices.Grow(series[i], int(s.Length/s.Grid)+1)
		}
	}
	*r = recorder{on: keep, timeline: timeline, series: series, landed: landed}
	r.window = max(1, int(20*time.Second/s.Grid))
	for range r.window {
		r.landed = append(r.landed, 0)
	}
	r.firstBad, r.lastDown, r.downAfter = never, never, never
	r.firstNotReady, r.firstLoss, r.firstKill, r.full = never, never, never, never
	r.minEndpoints = s.Workload.start()
	r.begin, r.end = trigger(s)
}

// trigger is from when to when the scenario pushes: from the first slow disk, silence, hanging runtime or node without power to when the
// worst is over; the end is negative if it never is.
func trigger(s *Scenario) (begin, end time.Duration) {
	begin, end = never, never
	slow, silent, worst := false, false, time.Duration(0)
	for i := range s.Actions {
		a := &s.Actions[i]
		pushes := a.Do == Silence || a.Do == Stall || a.Do == Down || a.Do == Delay && a.For > 0
		if pushes && begin < 0 {
			begin = a.At
		}
		switch {
		case a.Do == Delay && pushes && a.For >= worst:
			slow, worst = true, a.For
		case a.Do == Delay && slow:
			slow, end = false, max(end, a.At)
		case a.Do == Silence:
			silent = true
		case a.Do == Awake:
			silent, end = false, max(end, a.At)
		case a.Do == Stall || a.Do == Down:
			end = max(end, a.At+a.For)
		}
	}
	if slow || silent {
		end = never
	}
	return begin, end
}

// note adds to the story.
func (p *plane) note(k Kind, who string, c Cause) {
	r := &p.rec
	switch k {
	case LeaderLost:
		r.losses++
		if r.firstLoss < 0 {
			r.firstLoss = p.now
		}
	case ServerKilled:
		r.kills++
		if r.firstKill < 0 {
			r.firstKill = p.now
		}
	case NodeNotReady:
		r.peakNotReady = max(r.peakNotReady, p.life.notReady)
		if r.firstNotReady < 0 {
			r.firstNotReady = p.now
		}
	case ReadTimeout:
		r.timeouts++
	}
	if !r.on {
		return
	}
	for i := len(r.timeline) - 1; i >= max(0, len(r.timeline)-8); i-- {
		if e := &r.timeline[i]; e.Kind == k && e.Cause == c && p.now-e.Until < merges(k) && k != Scaled && k != DiskSlow {
			e.N++
			e.Until = p.now
			return
		}
	}
	r.timeline = append(r.timeline, Event{At: p.now, Until: p.now, Kind: k, Cause: c, N: 1, Who: who})
}

// grid takes a point of every series and judges the cluster's state.
func (p *plane) grid() {
	r := &p.rec
	dt := p.s.Grid.Seconds()
	leading := 0
	for i := range p.electors {
		if p.electors[i].leading {
			leading++
		}
	}
	endpoints := min(p.writers[0].posted, p.running)
	p.judge(leading, endpoints)
	if !r.on {
		return
	}
	point := [quantities]float64{
		qNotReady: float64(p.life.notReady), qPending: float64(p.pending), qEndpoints: float64(endpoints),
		qLeading: float64(leading), qDB: float64(p.dbBytes), qErrors: r.errors,
		qDead: r.dead, qCreating: float64(p.idle), qFile: float64(p.store.server.DB().Total),
	}
	fsyncs, _ := p.store.server.Counted()
	for q, total := range [quantities]int{
		qWrites: p.writes, qProposals: p.committed, qWasted: p.committed - p.writes, qRenewals: p.wroteBy[forLease],
		qAttempts: p.attempts, qEvents: p.events, qSlices: p.wroteBy[forSlice], qFsyncs: int(p.quietFsyncs) + fsyncs,
	} {
		if quantityNames[q][1] == "1/s" {
			point[q] = (float64(total) - r.last[q]) / dt
			r.last[q] = float64(total)
		}
	}
	for q := range point {
		r.series[q] = append(r.series[q], point[q])
	}
}

func (p *plane) judge(leading, endpoints int) {
	r := &p.rec
	r.peakPending = max(r.peakPending, p.pending)
	r.minEndpoints = min(r.minEndpoints, endpoints)
	if p.now-r.minute >= time.Minute {
		r.minuteEvents = max(r.minuteEvents, float64(p.events-r.eventsThen)*float64(time.Minute)/float64(p.now-r.minute))
		r.minute, r.eventsThen = p.now, p.events
	}
	now := p.wroteBy[forLease]
	fresh := now - r.landed[r.at]
	r.landed[r.at] = now
	r.at = (r.at + 1) % r.window
	span := time.Duration(r.window) * p.s.Grid
	due := float64(p.s.Nodes) * span.Seconds() / (1.02 * p.s.Leases.Renew.Seconds())
	failing := p.now > span && float64(fresh) < due/2
	if failing != r.failing {
		r.failing = failing
		switch {
		case !failing:
			p.note(RenewalsLand, "", ByRecovery)
		case p.now >= r.begin && r.begin >= 0:
			p.note(RenewalsFail, "", L6)
		}
	}
	drained := endpoints < p.running-p.crashers-p.fresh && endpoints < p.s.Workload.start()
	if drained != r.drained {
		r.drained = drained
		if drained {
			p.note(Drained, itoa(p.running-endpoints)+" of "+itoa(p.running), L10)
		} else {
			p.note(Refilled, "", ByRecovery)
		}
	}
	p.usersChanged()
	r.errors, r.dead = p.users.sum/p.s.Grid.Seconds(), p.users.dead/p.s.Grid.Seconds()
	p.users.sum, p.users.dead = 0, 0
	r.worstErrors = max(r.worstErrors, r.errors)
	r.errorSeconds += r.errors * p.s.Grid.Seconds()
	down := failing || p.life.notReady > 0 || drained
	impaired := down || leading < components
	for i := range p.servers {
		impaired = impaired || p.servers[i].down
	}
	if impaired {
		r.impairedFor += p.s.Grid
		if r.firstBad < 0 {
			r.firstBad = p.now
		}
	}
	if down {
		r.downFor += p.s.Grid
		if r.end >= 0 && p.now > r.end {
			r.downAfter = p.now
			if p.life.notReady == 0 && !drained { // renewals are judged over a window: the failure lies in its middle
				r.downAfter = max(r.end, p.now-span/2)
			}
		}
	}
}

// verdict is the judgement on the whole run.
func (p *plane) verdict() Verdict {
	r := &p.rec
	v := Verdict{State: Healthy, Down: r.downFor, Impaired: r.impairedFor}
	if r.firstBad < 0 {
		return v
	}
	v.State = Degraded
	v.Degraded = r.firstBad - max(0, r.begin)
	if r.downAfter >= 0 {
		v.Recovered = r.downAfter - r.end
		if v.Recovered > Outlast {
			v.State = Metastable
		}
	}
	return v
}

// totals are the counts, with warnings about those that are not well founded.
func (p *plane) totals() (Totals, []error) {
	r := &p.rec
	fsyncs, commits := p.store.server.Counted()
	t := Totals{
		Writes: p.writes, Proposals: p.committed, Wasted: p.committed - p.writes,
		LeasesLanded: p.wroteBy[forLease], LeasesAsked: p.asked[forLease],
		PeakNotReady: r.peakNotReady, PeakPending: r.peakPending, FirstNotReady: r.firstNotReady,
		Bound: p.wroteBy[forPodBind], ScaleTook: p.scale.took, ScaleAcked: p.scale.acked, ScaleFailed: p.scale.failed,
		Attempts: p.attempts, Patches: p.messages, Events: p.events, EventsPerMinute: r.minuteEvents,
		PodsCreated: p.wroteBy[forPodCreate], PodsRefused: p.refused, Evictions: p.evictions,
		LeaderLosses: r.losses, ServerKills: r.kills, FirstLeaderLoss: r.firstLoss, FirstKill: r.firstKill,
		ReadTimeouts: r.timeouts, PLEGFails: r.plegFails, DBGrowth: p.dbBytes, WALFsyncs: int(p.quietFsyncs) + fsyncs, BackendCommits: commits,
		LeaseP50: p.leaseLatency.quantile(0.5), LeaseP99: p.leaseLatency.quantile(0.99), CommitP99: p.latency.quantile(0.99),
		Term: p.store.term, MinEndpoints: r.minEndpoints, WorstErrors: r.worstErrors, ErrorSeconds: r.errorSeconds,
		Crashes: r.crashes, Creating: p.creating(), ProxySyncs: p.rules.syncs, DB: p.store.server.DB().Total, NoSpace: r.full,
	}
	for c := conflict; c < codes; c++ {
		t.LeasesFailed += p.answered[forLease][c]
	}
	var warnings []error
	t.ProxySync, t.ProxyStaleness, warnings = p.proxy()
	return t, warnings
}

func itoa(n int) string { return strconv.Itoa(n) }
