package incident8829

import (
	"fmt"
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/proxymodel"
)

// Observable is one claim of the report, held against a run.
type Observable struct {
	Claim   string // the report's words
	Here    string // the value in this run, or what another package says of its cluster
	Verdict Finding
	Why     string
}

// Finding says whether a claim came true.
type Finding string

// The findings.
const (
	Reproduced Finding = "reproduced"
	Partly     Finding = "in part"
	NotHere    Finding = "not in this run"

	// Impossible means that the model computes a bound that the claim breaks, whatever happens in
	// the run. Why names the bound.
	Impossible Finding = "impossible on stock Kubernetes"

	// Unknown means that the package that knows refuses to say. Why is its error.
	Unknown Finding = "cannot be told"
)

// Claims compares every claim of the report with a run, of the report's scenario or of another.
// Each verdict follows from the run, or from the package that knows about its cluster.
func Claims(r *story.Result) []Observable {
	run := &judged{Result: r, s: r.Scenario.WithDefaults(), t: &r.Totals}
	out := make([]Observable, len(claims))
	for i, c := range claims {
		out[i] = c.judge(run)
		out[i].Claim = c.text
	}
	return out
}

// claims has a row for each claim, in the order of the report's subjects.
var claims = []struct {
	text  string // the report's words
	judge func(*judged) Observable
}{
	{"50 -> 500, 450 pending", pending},
	{`"0/100 nodes are available: 100 Insufficient cpu."`, sentence},
	{`"3m (x450 over 12m)"`, eventCount},
	{`"450 pods failing to schedule every 10 seconds"`, everyTenSeconds},
	{"thousands of Events", thousandsOfEvents},
	{"db of 1.2 GB", dbSize},
	{"raft index 4,502,103 after 112 days", raftIndex},
	{"raft term 12, followers 2 and 5 entries behind", raftTerm},
	{`kubectl get nodes: "Timeout ... may still be processing the request"`, readTimeout},
	{"node-p-01 Ready, the other nodes NotReady", nodesNotReady},
	{"PLEG is not healthy", pleg},
	{"iptables -t nat -L KUBE-SERVICES | wc -l: 4502", iptablesLines},
	{"kube-proxy rewrites the entire chain, O(n)", rewritesTheChain},
	{"pods crash and restart, the CNI assigns IPs, a flood of updates for kube-proxy", crashesFlood},
	{"ContainerCreating for 45 minutes", containerCreating},
	{"5xx at 100 %", usersErrors},
	{"kubectl scale took ten minutes", scaleTookLong},
	{"02:00 -> 04:00", twoHours},
	{"killing the etcd pods helped", killingHelped},
}

// judged is a run under judgement.
type judged struct {
	*story.Result
	s scenario.Scenario // with its defaults
	t *story.Totals

	objects proxymodel.Objects // see services
}

// worst returns the largest mean of a series over a window, or over the run if that is shorter.
func (r *judged) worst(series string, window time.Duration) float64 {
	values := r.Values(series)
	n := max(1, min(int(window/max(r.Grid, 1)), len(values)))
	worst, sum := 0.0, 0.0
	for i, v := range values {
		sum += v
		if i >= n {
			sum -= values[i-n]
		}
		if i >= n-1 {
			worst = max(worst, sum/float64(n))
		}
	}
	return worst
}

// has reports whether an event of the kind is in the story, and when it was first.
func (r *judged) has(k story.Kind) (at time.Duration, found bool) {
	for _, e := range r.Timeline {
		if e.Kind == k {
			return e.At, true
		}
	}
	return 0, false
}

// found returns an observable that is reproduced if it is here, and else not in this run.
func found(here bool, value, why string) Observable {
	return Observable{Here: value, Verdict: when(here, Reproduced, NotHere), Why: why}
}

// when returns one of two findings.
func when(here bool, then, otherwise Finding) Finding {
	if here {
		return then
	}
	return otherwise
}

// unknown returns the observable of a claim that a package refuses to judge.
func unknown(err error) Observable {
	return Observable{Here: "unknown", Verdict: Unknown, Why: err.Error()}
}

func seconds(d time.Duration) string { return d.Round(time.Second).String() }

// plural returns a number and its noun.
func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
