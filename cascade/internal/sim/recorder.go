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

	// The verdict.
	from, until time.Duration // of the trigger; until is negative if it never ends
	window      int           // grid points over which renewals are judged
	landed      []int         // renewals landed at the last grid points, a ring
	slot        int           // the next place in landed
	failing     bool          // renewals fail
	drained     bool          // endpoints are drained
	firstBad    time.Duration // first point at which the cluster was impaired
	downAfter   time.Duration // last point at which it was down once the trigger was gone
	downFor     time.Duration
	impairedFor time.Duration

	// The totals.
	firstNotReady, firstLoss, firstKill time.Duration
	peakNotReady, peakPending           int
	losses, kills, timeouts, plegFails  int
	minEndpoints                        int
	minuteEvents                        float64       // most Events in a minute
	minute                              time.Duration // when the present minute began
	eventsThen                          int           // events at that time
	crashes                             int
	creating                            time.Duration // longest ContainerCreating that has ended
	full                                time.Duration // when the quota was reached first
	noSpace                             bool          // the quota is reached

	// The share of the users' requests that fails: in the last interval, at its worst, and summed
	// up in seconds.
	errors, worstErrors, errorSeconds float64
	dead                              float64 // endpoints that do not answer, in the last interval
}

// never stands for the time of what has not happened.
const never = time.Duration(-1)

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
	rc.firstBad, rc.downAfter = never, never
	rc.firstNotReady, rc.firstLoss, rc.firstKill, rc.full = never, never, never, never
	rc.minEndpoints = s.Workload.Start()
	rc.from, rc.until = s.Trigger()
}

// due takes a point of every series, and lets the cluster go quiet if it has calmed down.
func (rc *recorder) due() {
	rc.calm.count()
	rc.etcd.checkQuota()
	rc.grid()
	rc.calm.goQuiet()
	rc.at(rc.now+rc.s.Grid, evGrid, 0, 0)
}

// note counts an event and adds it to the story.
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
	if rc.on && !rc.merged(k, c) {
		rc.timeline = append(rc.timeline, story.Event{At: rc.now, Until: rc.now, Kind: k, Cause: c, N: 1, Who: who})
	}
}

// merged reports whether a recent event of the same kind and cause stands among the last eight. It
// counts the new event there.
func (rc *recorder) merged(k story.Kind, c story.Cause) bool {
	if k == story.Scaled || k == story.DiskSlow {
		return false
	}
	for i := len(rc.timeline) - 1; i >= max(0, len(rc.timeline)-8); i-- {
		if e := &rc.timeline[i]; e.Kind == k && e.Cause == c && rc.now-e.Until < merges(k) {
			e.N++
			e.Until = rc.now
			return true
		}
	}
	return false
}

// merges returns how far apart two events of a kind may be to share a line of the story. A crash
// loop's attempts come up to six minutes apart: CrashLoopBackOff of 5 min, and the start. A
// volume's mount is tried every two minutes.
func merges(k story.Kind) time.Duration {
	switch k {
	case story.ServerExits, story.PodsWait, story.PodsStart, story.PodsCrash, story.ScaleFails:
		return 10 * time.Minute
	case story.LivezFails:
		return time.Minute
	}
	return 15 * time.Second
}

// itoa formats a number for the story.
func itoa(n int) string { return strconv.Itoa(n) }
