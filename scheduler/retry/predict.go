package retry

import (
	"math"
	"time"
)

// Pressure holds the events that act steadily on pods that do not fit. Wakes and message changes
// are taken to be evenly spaced and independent of each other.
type Pressure struct {
	Pods           int     // unschedulable pods
	Wakes          float64 // events a second that wake them all; see Wakes for which do
	MessageChanges float64 // times a second that the scheduler would say something else of them

	QPS        float64 // of the scheduler's client; zero means 50
	Burst      int     // of the same; zero means 100
	EventQPS   float64 // of the client for Events; zero means 50
	EventBurst int     // of the same; zero means 100

	Latency time.Duration // of one status patch
	Attempt time.Duration // CPU time of one attempt; zero means DefaultAttempt
}

// Load holds the events per second over the whole fleet that follow.
type Load struct {
	Attempts     float64 // scheduling attempts
	PodPatches   float64 // status patches
	EventCreates float64 // new Events
	EventUpdates float64 // patches of Events

	// EventBacklog is the growth, in Events a second, of those that wait for the client's token. It
	// is zero unless the Events' QPS is the limit.
	EventBacklog float64
	// LiveEvents is the number of Events in etcd once the first ones expire, at kube-apiserver's
	// default --event-ttl of one hour.
	LiveEvents float64
	// Bound is the reason why there are not more attempts.
	Bound Bound
	// PerPod is the rate at which one pod is tried, attempts/s.
	PerPod float64
}

// Writes returns the writes per second to etcd.
func (l Load) Writes() float64 { return l.PodPatches + l.EventCreates + l.EventUpdates }

// Bound is the limit of the attempts.
type Bound string

// The bounds.
const (
	ByNothing Bound = "no pods"         // there is nobody to try
	ByFlush   Bound = "5-minute flush"  // no event wakes the pods
	ByWakes   Bound = "wake-ups"        // each wake-up tries each pod once
	ByBackoff Bound = "10 s backoff"    // v1.29: a pod waits for its backoff, whatever wakes it
	ByCPU     Bound = "attempt time"    // the loop is always busy
	ByQPS     Bound = "client QPS"      // each attempt waits for a patch's token
	ByLatency Bound = "patch latency"   // each attempt waits for a patch's answer
	ByPatches Bound = "message changes" // a round of patches holds the loop while wake-ups pass
)

// Predict returns the steady state under a pressure, in about 200 ns.
//
// It assumes that no attempt finds a victim to preempt (that would patch the pod for its
// nomination and delete others). It assumes that the pods wait for nothing but what [Rejection]
// names: affinity, spread, volumes and devices wake theirs at other events. Gated pods are not
// tried at all and must not be counted. Pods of several workloads add up where the same events
// wake them and their messages change together: they share the loop and its tokens.
//
// It agrees with [Queue], run for an hour, within 5 % of attempts and 10 % of writes over the
// range that TestPredictIsTheQueueInTheLongRun walks. It agrees within 35 % where a round of
// patches nearly fills the time between two message changes (70 to 100 % of it): there the phases
// of wake-ups and changes decide. It returns an error for an unknown version and for invalid
// input.
func Predict(v Version, p Pressure) (Load, error) {
	v, err := resolve(v)
	if err != nil {
		return Load{}, err
	}
	if err := p.check(); err != nil {
		return Load{}, err
	}
	p = p.withDefaults()
	if p.Pods == 0 {
		return Load{Bound: ByNothing}, nil
	}
	n := float64(p.Pods)
	perPod, bound := p.demand(v)
	l := p.served(perPod, bound)
	l.PerPod = l.Attempts / n
	p.events(&l)
	return l, nil
}

func (p Pressure) check() error {
	for _, err := range []error{
		within("Pressure.Pods", p.Pods, 1, mostPods), within("Pressure.Wakes", p.Wakes, 1e-9, mostRate),
		within("Pressure.MessageChanges", p.MessageChanges, 1e-9, mostRate),
		within("Pressure.QPS", p.QPS, leastRate, mostRate), within("Pressure.Burst", p.Burst, 1, mostRate),
		within("Pressure.EventQPS", p.EventQPS, leastRate, mostRate),
		within("Pressure.EventBurst", p.EventBurst, 1, mostRate), within("Pressure.Latency", p.Latency, 0, mostTime),
		within("Pressure.Attempt", p.Attempt, time.Microsecond, mostTime),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p Pressure) withDefaults() Pressure {
	p.QPS, p.Burst = client(p.QPS, p.Burst)
	p.EventQPS, p.EventBurst = client(p.EventQPS, p.EventBurst)
	if p.Attempt == 0 {
		p.Attempt = DefaultAttempt
	}
	return p
}

// demand returns the rate at which one pod would be tried if the loop were idle.
//
// Without wake-ups only the flush is left. A pod tried just after a check is too young at the
// check five minutes later, so it goes at the next, after 330 s.
//
// In v1.29 a pod that was tried some time after a tick of the 1-s timer ends its backoff of 10 s
// as long after a tick. It moves at the next: 11 s from attempt to attempt. But ten ticks slip by
// 12 ms, so those tried in the first 12 ms after a tick move at the tenth. With k attempts in such
// 12 ms, each of the ten ticks holds k pods that stay there. Only pods beyond 10 k in all move on
// from tick to tick. That makes n/10 attempts a second up to there and (n + k)/11 beyond. It takes
// minutes to get there from 450 pods tried in one go: at first all wait 11 s.
//
// In v1.37 an idle loop takes a pod out of its backoff: every wake-up counts.
func (p Pressure) demand(v Version) (float64, Bound) {
	flush := 1 / (DefaultFlush + flushCheck).Seconds()
	if p.Wakes <= flush {
		return flush, ByFlush
	}
	if popsFromBackoff(v) {
		return p.Wakes, ByWakes
	}
	tick := backoffTimer(v).Seconds()
	early, late := 10*tick, 11*tick // DefaultMaxBackoff is ten ticks
	slip, attempt, share := 10*tickSlip.Seconds(), p.Attempt.Seconds(), min(1, p.MessageChanges*late)
	k := (1-share)*slip/attempt + share*slip/(attempt+p.Latency.Seconds())
	if cap := min(1/early, (1+k/float64(p.Pods))/late); p.Wakes > cap {
		return cap, ByBackoff
	}
	return p.Wakes, ByWakes
}

// served returns the demanded attempts that the loop gets done.
//
// An attempt with a patch takes s = max(1/QPS, Attempt + Latency), one without takes Attempt. If
// messages change faster than the loop gets round, every attempt has a patch: min(demand, 1/s).
// Otherwise each change costs one round of n patches that begins at a wake-up. Of k = floor(wakes
// * round) further wake-ups inside the round only the last counts, and only for the pods that were
// patched before it.
func (p Pressure) served(perPod float64, bound Bound) Load {
	n := float64(p.Pods)
	demand := n * perPod
	attempt := p.Attempt.Seconds()
	patched := max(1/p.QPS, attempt+p.Latency.Seconds())
	cost := ByLatency
	if patched == 1/p.QPS {
		cost = ByQPS
	}
	if p.MessageChanges == 0 {
		return capped(demand, 1/attempt, bound, ByCPU, 0)
	}
	all := capped(demand, 1/patched, bound, cost, 0)
	if all.Attempts <= n*p.MessageChanges {
		all.PodPatches = all.Attempts
		return all
	}
	round := p.round(n, attempt, patched)
	if k := math.Floor(perPod * round); k > 0 {
		demand = max(demand-n*p.MessageChanges*(k-k/(perPod*round)), n*p.MessageChanges)
		bound = ByPatches
	}
	busy := p.MessageChanges * (round - n*attempt) // the share of time spent on waiting for patches
	return capped(demand, (1-busy)/attempt, bound, ByCPU, n*p.MessageChanges)
}

func capped(demand, most float64, bound, cap Bound, patches float64) Load {
	if demand > most {
		return Load{Attempts: most, PodPatches: patches, Bound: cap}
	}
	return Load{Attempts: demand, PodPatches: patches, Bound: bound}
}

// round returns the time to patch n pods once, with the burst of the client's bucket refilled.
func (p Pressure) round(n, attempt, patched float64) float64 {
	free := attempt + p.Latency.Seconds() // an attempt that finds a token
	if free >= 1/p.QPS {
		return n * free
	}
	quick := min(n, float64(p.Burst)/(1-p.QPS*free)) // while the burst lasts, refilled as it is used
	return quick*free + (n-quick)*patched
}

// events adds what the recorder writes. Each patch gives the pod a new
// resourceVersion: its next attempt creates an Event, the one after patches that into
// a series, the others are counted in memory. A series whose resourceVersion is gone
// is patched once more when it has been idle for six minutes; one that lives on is
// patched every half hour.
func (p Pressure) events(l *Load) {
	n := float64(p.Pods)
	again := math.Min(l.PodPatches, l.Attempts-l.PodPatches) // resourceVersions that see a second attempt
	alive := max(0, 1-2*p.MessageChanges*n/l.Attempts)       // the share of pods that have a series now
	if p.MessageChanges > 0 && again == 0 {
		alive = 0
	}
	refreshed := n*alive + again*finishIdle.Seconds() // series that the half-hourly refresh finds
	creates, updates := l.PodPatches, 2*again+refreshed/refreshEvery.Seconds()
	most := p.EventQPS
	if want := creates + updates; want > most {
		l.EventBacklog = want - most
		creates, updates = creates*most/want, updates*most/want
	}
	l.EventCreates, l.EventUpdates = creates, updates
	l.LiveEvents = creates * DefaultEventTTL.Seconds()
	if creates == 0 {
		l.LiveEvents = n // one a pod, kept alive by its refreshes
	}
}
