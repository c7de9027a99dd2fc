package sim

import (
	"math"
	"time"

	"github.com/redline-go/redline/cascade/scenario"
)

// What users see. Their requests go to the endpoints that the Service lists, each of which answers as long as its pod runs and its CPU limit
// is not used up. What fails is tried again by the clients, on top of what others ask for (L10), and the autoscaler sees the pods' use.

// dataPlane is what the Service's users meet at one moment.
type dataPlane struct {
	endpoints int     // that the Service lists
	alive     int     // of which a pod runs
	demand    float64 // millicores that users ask for
	limit     float64 // millicores that a pod can use
	retries   int     // how often a client tries again
}

// errors is the share of the users' requests that fail for good, and used is what one living endpoint's pod uses, in millicores.
//
// Of all attempts the share f fails: those that meet a dead endpoint, and those beyond what the living ones can do. With r retries
// the attempts are demand (1 + f + ... + f^r). More attempts fail more often, so that f is the least fixed point, found from below.
func (d dataPlane) errors() (share, used float64) {
	if d.demand <= 0 {
		return 0, 0
	}
	if d.endpoints == 0 || d.alive == 0 {
		return 1, 0
	}
	dead := 1 - float64(d.alive)/float64(d.endpoints)
	f, attempts := dead, d.demand
	for range 200 {
		attempts = d.attempts(f)
		arrive := attempts * (1 - dead) // at pods that run
		served := min(arrive, float64(d.alive)*d.limit)
		next := 1 - served/attempts
		if next-f < 1e-9 {
			break
		}
		f = next
	}
	return math.Pow(f, float64(1+d.retries)), min(d.limit, attempts*(1-dead)/float64(d.alive))
}

func (d dataPlane) attempts(f float64) float64 {
	sum, term := 0.0, d.demand
	for range 1 + d.retries {
		sum += term
		term *= f
	}
	return sum
}

// users adds up what the workload's users meet.
type users struct {
	*cluster
	meets dataPlane
	share float64 // of their requests that fails now
	since time.Duration
	sum   float64 // of share, in seconds, since the last point of the series
	dead  float64 // of dead endpoints likewise

	over    bool // the pods are at their CPU limits
	overGen uint32
	probed  int // the node whose pod's probe failed last
}

// dataPlane is what they meet now: the endpoints that their nodes' rules list, of which some no longer answer. Without an autoscaler they ask for
// what keeps the pods of the start at the default target of one, of the incident's pods.
func (us *users) meetNow() dataPlane {
	h := scenario.Autoscaler{}.WithDefaults()
	demand := float64(us.s.Workload.Start()*h.Request*h.Target) / 100
	if us.hpa.spec != nil {
		h, demand = *us.hpa.spec, us.hpa.demand
	}
	w := us.proxies.views[inKernel]
	return dataPlane{endpoints: w.listed, alive: w.listed - w.dead, demand: demand, limit: float64(h.Limit), retries: us.s.Workload.Retries}
}

// usersChanged is to be called when what users meet has changed.
func (us *users) changed() {
	dt := (us.now - us.since).Seconds()
	us.sum += us.share * dt
	us.dead += float64(us.meets.endpoints-us.meets.alive) * dt
	us.since = us.now
	if now := us.meetNow(); now != us.meets {
		us.meets = now
		var used float64
		us.share, used = now.errors()
		us.overloaded(now.alive > 0 && used >= now.limit)
	}
}
