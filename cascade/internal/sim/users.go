package sim

import (
	"math"
	"time"

	"github.com/redline-go/redline/cascade/scenario"
)

// users add up what the workload's users meet.
//
// Their requests go to the endpoints that the nodes' rules list. Each endpoint answers as long as
// its pod runs and its CPU limit is not used up. Requests that fail are tried again by the
// clients, on top of what others ask for (L10). The autoscaler sees the pods' use.
type users struct {
	*cluster
	meets dataPlane     // now
	share float64       // of their requests that fails now
	since time.Duration // when sum and dead were brought up to date
	sum   float64       // share times seconds, since the last point of the series
	dead  float64       // dead endpoints times seconds, likewise

	// Liveness probes.
	over    bool   // the pods are at their CPU limits
	overGen uint32 // generation of the timer of failing probes
	probed  int    // the node after the one whose pod's probe failed last
}

// dataPlane describes what the Service's users meet at one moment.
type dataPlane struct {
	endpoints int     // in the nodes' rules
	alive     int     // of these, those whose pod runs
	demand    float64 // millicores that users ask for
	limit     float64 // millicores that a pod can use
	retries   int     // how often a client tries again
}

// errors returns the share of the users' requests that fails for good, and the millicores that
// each living pod uses.
//
// Of all attempts the share f fails: those that meet a dead endpoint, and those beyond what the
// living ones can do. With r retries the attempts are demand (1 + f + ... + f^r). More attempts
// fail more often. So f is the least fixed point, found from below.
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

// attempts returns the attempts, in millicores, if each fails with probability f.
func (d dataPlane) attempts(f float64) float64 {
	sum, term := 0.0, d.demand
	for range 1 + d.retries {
		sum += term
		term *= f
	}
	return sum
}

// meetNow returns what users meet now. Without an autoscaler their demand keeps the pods of the
// start at an autoscaler's default target. The pods then have the incident's requests and limits.
func (us *users) meetNow() dataPlane {
	h := scenario.Autoscaler{}.WithDefaults()
	demand := float64(us.s.Workload.Start()*h.Request*h.Target) / 100
	if us.hpa.spec != nil {
		h, demand = *us.hpa.spec, us.hpa.demand
	}
	w := us.proxies.views[inKernel]
	return dataPlane{
		endpoints: w.listed, alive: w.listed - w.dead,
		demand: demand, limit: float64(h.Limit), retries: us.s.Workload.Retries,
	}
}

// changed brings the sums up to date. Call it when what users meet has changed.
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
