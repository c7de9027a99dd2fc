package sim

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/proxymodel"
)

// Updates that come at random reach the kernel as late, on average, as proxymodel predicts for
// kube-proxy's runner.
func TestRulesAreAsStaleAsProxymodelSays(t *testing.T) {
	for _, v := range []kube.Version{kube.V1_29, kube.V1_37} {
		for _, mode := range []proxymodel.Mode{proxymodel.IPTables, proxymodel.IPVS} {
			for _, rate := range []float64{0.2, 1, 3} {
				s := scenario.Scenario{
					Version: v, Proxy: scenario.Proxy{Mode: mode, Services: 4499}, Length: time.Hour,
				}.WithDefaults()
				q := proxyQuery(&s)
				q.Churn = proxymodel.Churn{Changes: rate}
				want, err := proxymodel.Predict(q)
				require.NoError(t, err)
				got := staleness(t, &s, rate)
				t.Logf("%v %v %v/s: %v, predicted %v", v, mode, rate, got, want.Staleness.Mean)
				require.InEpsilon(t, want.Staleness.Mean.Seconds(), got.Seconds(), 0.04)
			}
		}
	}
}

// staleness returns how long an update waits until the kernel has it, the mean of 2000.
func staleness(t *testing.T, s *scenario.Scenario, rate float64) time.Duration {
	p, err := newCluster(s, false)
	require.NoError(t, err)
	draw := rand.New(rand.NewPCG(1, 2))
	const updates = 2000
	var sum time.Duration
	at, sent, arrived := make([]time.Duration, updates+1), 0, 0
	next := time.Duration(draw.ExpFloat64() / rate * 1e9)
	for arrived < updates {
		step := p.queue.Next()
		if sent < updates {
			step = min(step, next)
		}
		p.end = step
		p.run()
		if sent < updates && step == next {
			sent++
			at[sent] = step
			p.proxies.views[inSlice].listed = sent
			p.proxies.update()
			next += time.Duration(draw.ExpFloat64() / rate * 1e9)
		}
		for sent > 0 && arrived < min(sent, p.proxies.views[inKernel].listed) && p.proxies.syncs > 0 {
			arrived++
			sum += p.now - at[arrived]
		}
	}
	return sum / updates
}

// An update that lands while no API server listens waits for one.
func TestRulesWaitForAnAPIServer(t *testing.T) {
	s := scenario.Scenario{}.WithDefaults()
	p, err := newCluster(&s, false)
	require.NoError(t, err)
	p.calm.wake()
	p.servers.kill(0)
	p.proxies.sliceLanded()
	p.end = sec(1)
	p.run()
	require.Zero(t, p.proxies.syncs)
	p.end = sec(20)
	p.run()
	require.False(t, p.servers.list[0].down)
	require.Equal(t, 1, p.proxies.syncs)
}
