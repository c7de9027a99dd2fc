package alerts

import (
	"cmp"
	"fmt"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// requestBounds are the buckets of grpc_server_handling_seconds (Prometheus' default ones).
var requestBounds = []time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// failedCodes are the gRPC codes that are etcd's fault, not the client's.
const failedCodes = "Unknown|FailedPrecondition|ResourceExhausted|Internal|Unavailable|DataLoss|DeadlineExceeded"

// requests adds the rules about applies, proposals and requests.
func (s *Set) requests(l etcdmodel.Load, p etcdmodel.Prediction) {
	rate := func(metric, window string, matchers ...string) string {
		return fmt.Sprintf("rate(%s[%s])", s.metric(metric, matchers...), window)
	}
	failing := (p.TimedOut + p.Refused) / max(p.Throughput+p.TimedOut+p.Refused, 1e-9)
	lost := max(0.05, 0.01*p.Throughput, 3*p.TimedOut)
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdAppliesSlow", Severity: "warning", For: holdFor,
		Expr: fmt.Sprintf("%s / %s > 0.01", s.each("sum", rate("etcd_server_slow_apply_total", "5m")),
			s.each("sum", rate("etcd_server_proposals_applied_total", "5m"))),
		Threshold: 0.01, Limit: 1,
		Summary: "One apply in a hundred takes more than 100 ms: backend commits, compactions or the processor hold it up.",
		Why:     "etcd counts applies above 100 ms (its --warning-apply-duration); the threshold is their p99",
	}, Rule{
		Name: "EtcdProposalsFail", Severity: "warning", For: holdFor, Mixin: "etcdHighNumberOfFailedProposals",
		Expr: fmt.Sprintf("%s > %.4g",
			s.each("max", rate("etcd_server_proposals_failed_total", "5m")), lost),
		Threshold: lost, Normal: p.TimedOut, Limit: max(lost, p.Throughput),
		Summary: "Writes to etcd fail after they were proposed: no leader, or no quorum in time.",
		Why:     "1 % of the predicted writes, three times the predicted timeouts, at least one in 20 s",
	}, s.failing("EtcdRequestsFail", "warning", max(0.01, 3*failing), failing),
		s.failing("EtcdRequestsFailOften", "critical", max(0.05, 6*failing), failing))
	s.slow(cmp.Or(l.Limits.P99, commitObjective), p)
}

// failing returns a rule about the share of each method's requests that etcd fails.
func (s *Set) failing(name, severity string, share, normal float64) Rule {
	share = min(share, 1)
	of := func(matchers ...string) string {
		return s.each("sum", fmt.Sprintf("rate(%s[5m])", s.metric("grpc_server_handled_total", matchers...)),
			"grpc_type", "grpc_code")
	}
	return Rule{
		Name: name, Severity: severity, For: 5 * time.Minute, alike: true,
		Mixin:     "etcdHighNumberOfFailedGRPCRequests",
		Expr:      fmt.Sprintf("%s / %s > %.4g", of(fmt.Sprintf("grpc_code=~%q", failedCodes)), of(), share),
		Threshold: share, Normal: min(normal, share), Limit: 1,
		Summary: "etcd fails requests.",
		Why:     "a hundredth (critical: a twentieth) of a method's requests, or three (six) times the predicted share",
	}
}

// commitObjective is the zero value of etcdmodel's Limits.P99.
const commitObjective = time.Second

// slow adds the rule about the latency of writes as etcd measures it: only with
// --metrics=extensive.
func (s *Set) slow(objective time.Duration, p etcdmodel.Prediction) {
	normal := p.Commit.P99
	bound := time.Duration(0)
	for _, b := range requestBounds {
		if b > normal && b < objective && (bound == 0 || b <= objective/4) {
			bound = b
		}
	}
	switch {
	case normal <= 0 || p.Commit.Empty():
		s.warn("no write is answered in the prediction: no threshold for requests")
		return
	case bound == 0:
		s.warn("a commit p99 of %v is in the same bucket as %v: no threshold for requests", normal, objective)
		return
	}
	rate := fmt.Sprintf("rate(%s[%s])",
		s.metric("grpc_server_handling_seconds_bucket", `grpc_type="unary"`, `grpc_method="Txn"`), promDuration(window))
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdWritesSlow", Severity: "warning", For: holdFor, Mixin: "etcdGRPCRequestsSlow",
		Expr:      fmt.Sprintf("histogram_quantile(0.99, %s) > %g", s.each("sum", rate, "grpc_type"), bound.Seconds()),
		Threshold: bound.Seconds(), Normal: normal.Seconds(), Limit: objective.Seconds(),
		Summary: "Transactions of etcd become slow (needs etcd's --metrics=extensive).",
		Why:     fmt.Sprintf("a bucket's bound between the predicted commit p99 and the load's limit of %v", objective),
	})
}
