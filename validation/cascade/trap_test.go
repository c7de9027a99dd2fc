package cascade

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	model "github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/validation/controlplane"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// TestTheTrap puts 100 nodes on fsyncs of 1 s, of 8 s for two minutes, and of 1 s again. It asks
// how long it takes until half as many Leases have been renewed as there are nodes:
// REDLINE_LONG=1, four minutes. It was 11 to 68 s in six runs. The model's seeds span as much, so
// that one run only has to be within a factor of two of what they span.
func TestTheTrap(t *testing.T) {
	if os.Getenv("REDLINE_LONG") == "" {
		t.Skip("REDLINE_LONG is not set: four minutes")
	}
	if err := slowdisk.Supported(); err != nil {
		t.Skip(err)
	}
	const nodes, base, worse = 100, time.Second, 8 * time.Second
	slow, spell, over, end := 5*time.Second, 25*time.Second, 145*time.Second, 225*time.Second
	real := controlplane.Run(t, controlplane.Scenario{
		Nodes: nodes, RoomOn: 10, Replicas: 10, SlowDisk: true, Length: end,
		Actions: []controlplane.Action{
			controlplane.At(slow, controlplane.SetDisk(-1, base)), controlplane.At(spell, controlplane.SetDisk(-1, worse)),
			controlplane.At(over, controlplane.SetDisk(-1, base)),
		},
	})
	measured, landed := end-over, 0
	for _, w := range real.AllWrites {
		if w.Resource != "leases" || !strings.Contains(w.Name, "node-w-") || w.At < over {
			continue
		}
		if landed++; landed == nodes/2 {
			measured = w.At - over
			break
		}
	}
	var modelled []time.Duration
	for seed := uint64(1); seed <= 20; seed++ {
		s := besides(nodes, end,
			scenario.Action{At: slow, Do: scenario.Delay, For: base},
			scenario.Action{At: spell, Do: scenario.Delay, For: worse},
			scenario.Action{At: over, Do: scenario.Delay, For: base})
		s.Seed = seed
		sim, err := model.Run(t.Context(), s)
		require.NoError(t, err)
		sum, took := 0.0, end-over
		for i, v := range sim.Values("lease renewals") {
			if at := time.Duration(i+1) * sim.Grid; at > over {
				if sum += v; sum >= nodes/2 {
					took = at - over
					break
				}
			}
		}
		modelled = append(modelled, took)
	}
	slices.Sort(modelled)
	t.Logf("half of %d nodes renewed %.0f s after the spell; the model's seeds: %v", nodes, measured.Seconds(), modelled)
	require.GreaterOrEqual(t, measured, modelled[0]/2)
	require.LessOrEqual(t, measured, 2*modelled[len(modelled)-1])
}
