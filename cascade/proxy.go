package cascade

import (
	"fmt"
	"time"

	"github.com/redline-go/redline/proxymodel"
)

// proxy is what a change of the workload's endpoints costs every node's kube-proxy: one partial sync, and how long until the
// kernel has it. It is the data plane's side alone: no kube-proxy writes to the API server, so that the mode changes
// nothing in etcd.
func (p *plane) proxy() (sync, stale time.Duration, warnings []error) {
	q := proxyQuery(p.s)
	q.Churn = proxymodel.Churn{Changes: float64(p.wroteBy[forSlice]) / p.s.Length.Seconds(), Nodes: p.s.Nodes}
	r, err := proxymodel.Predict(q)
	if err != nil {
		return 0, 0, []error{fmt.Errorf("cascade: Totals.ProxySync and ProxyStaleness are unknown: %w", err)}
	}
	return r.Partial.Duration(), r.Staleness.Mean, r.Warnings
}
