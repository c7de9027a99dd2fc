package sim

import (
	"strconv"
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// recorder keeps the story and the series of a run, and judges it.
type recorder struct {
	*cluster
	counters

	on       bool // keep timeline and series; sweeps only want totals and the verdict
	timeline []story.Event
	series   [quantities][]float64
	last     [quantities]float64 // counters at the last grid point

	from, until time.Duration // of the trigger; until is negative if it never ends
	window      int           // grid points of the window for renewals
	landed      []int         // renewals landed at the last grid points, a ring
	slot        int
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
func merges(k story.Kind) time.Duration {
	switch k {
	case story.ServerExits, story.PodsWait, story.PodsStart, story.PodsCrash, story.ScaleFails:
		return 10 * time.Minute
	case story.LivezFails:
		return time.Minute
	}
	return 15 * time.Second
}

// start readies the recorder. keep says whether to record timeline and series.
func (rc *recorder) start(c *cluster, keep bool) {
	s := c.s
	rc.cluster, rc.on = c, keep
	rc.latency, rc.leaseLatency = newHistogram(), newHistogram()
	if keep {
		for q := range rc.series {
			rc.series[q] = make([]float64, 0, int(s.Length/s.Grid)+1)
		}
	}
	rc.window = max(1, int(20*time.Second/s.Grid))
	rc.landed = make([]int, rc.window)
	rc.firstBad, rc.lastDown, rc.downAfter = never, never, never
	rc.firstNotReady, rc.firstLoss, rc.firstKill, rc.full = never, never, never, never
	rc.minEndpoints = s.Workload.Start()
	rc.from, rc.until = s.Trigger()
}

// note adds to the story.
func (rc *recorder) note(k story.Kind, who string, c story.Cause) {
	switch k {
	case story.LeaderLost:
		rc.losses++
		if rc.firstLoss < 0 {
			rc.firstLoss = rc.now
		}
	case story.ServerKilled:
		rc.kills++
		if rc.firstKill < 0 {
			rc.firstKill = rc.now
		}
	case story.NodeNotReady:
		rc.peakNotReady = max(rc.peakNotReady, rc.life.notReady)
		if rc.firstNotReady < 0 {
			rc.firstNotReady = rc.now
		}
	case story.ReadTimeout:
		rc.timeouts++
	}
	if !rc.on {
		return
	}
	for i := len(rc.timeline) - 1; i >= max(0, len(rc.timeline)-8); i-- {
		if e := &rc.timeline[i]; e.Kind == k && e.Cause == c && rc.now-e.Until < merges(k) && k != story.Scaled && k != story.DiskSlow {
			e.N++
			e.Until = rc.now
			return
		}
	}
	rc.timeline = append(rc.timeline, story.Event{At: rc.now, Until: rc.now, Kind: k, Cause: c, N: 1, Who: who})
}

// due takes a point of every series, and lets the cluster go quiet if it has calmed down.
func (rc *recorder) due() {
	rc.calm.count()
	rc.etcd.checkQuota()
	rc.grid()
	rc.calm.goQuiet()
	rc.at(rc.now+rc.s.Grid, evGrid, 0, 0)
}

// grid takes a point of every series and judges the cluster's state.
func (rc *recorder) grid() {
	dt := rc.s.Grid.Seconds()
	leading := 0
	for i := range rc.electors.list {
		if rc.electors.list[i].leading {
			leading++
		}
	}
	endpoints := min(rc.endpoints.writers[0].posted, rc.pods.running)
	rc.judge(leading, endpoints)
	if !rc.on {
		return
	}
	point := [quantities]float64{
		qNotReady: float64(rc.life.notReady), qPending: float64(rc.pods.pending), qEndpoints: float64(endpoints),
		qLeading: float64(leading), qDB: float64(rc.dbBytes), qErrors: rc.errors,
		qDead: rc.dead, qCreating: float64(rc.pods.idle), qFile: float64(rc.etcd.server.DB().Total),
	}
	fsyncs, _ := rc.etcd.server.Counted()
	for q, total := range [quantities]int{
		qWrites: rc.writes, qProposals: rc.committed, qWasted: rc.committed - rc.writes, qRenewals: rc.wroteBy[forLease],
		qAttempts: rc.attempts, qEvents: rc.events, qSlices: rc.wroteBy[forSlice], qFsyncs: int(rc.calm.fsyncs) + fsyncs,
	} {
		if quantityNames[q][1] == "1/s" {
			point[q] = (float64(total) - rc.last[q]) / dt
			rc.last[q] = float64(total)
		}
	}
	for q := range point {
		rc.series[q] = append(rc.series[q], point[q])
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
