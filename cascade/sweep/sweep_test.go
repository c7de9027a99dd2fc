package sweep

import (
	"context"
	"encoding/json"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
)

// short returns a plan with a slow disk for a few minutes. A run takes milliseconds.
func short(runs int) Plan {
	return Plan{
		Runs: runs, Seed: 7,
		Scenario: cascade.Scenario{Length: 4 * time.Minute, Nodes: 20, Actions: []scenario.Action{
			{At: 20 * time.Second, Do: scenario.Delay, For: 2 * time.Second},
			{At: 100 * time.Second, Do: scenario.Delay},
		}},
		Ranges: []Range{
			{Parameter: scenario.ParamDelay, High: 6},
			{Parameter: scenario.ParamNodes, Low: 5, High: 60, Log: true},
		},
	}
}

func text(t *testing.T, tally *Tally) string {
	t.Helper()
	b, err := json.Marshal(tally)
	require.NoError(t, err)
	return string(b)
}

func TestShardsMergedAreTheSingleRun(t *testing.T) {
	plan, ctx := short(41), context.Background()
	single, err := Run(ctx, plan, Shard{}, nil)
	require.NoError(t, err)
	require.Equal(t, 41, single.Runs)
	require.NotEqual(t, 41, single.States[0], "some of the disks are slow enough to matter")
	var parts []*Tally
	for _, i := range []int{3, 0, 4, 2, 1} { // in any order
		part, err := Run(ctx, plan, Shard{Index: i, Count: 5}, nil)
		require.NoError(t, err)
		decoded := &Tally{} // as it comes out of a pod's log
		require.NoError(t, json.Unmarshal([]byte(text(t, part)), decoded))
		parts = append(parts, decoded)
	}
	some, err := Merge(parts[:3]...)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, some.Missing())
	all, err := Merge(append(parts[3:], some)...)
	require.NoError(t, err)
	require.Equal(t, text(t, single), text(t, all))
	require.Equal(t, text(t, parts[0]), text(t, parts[0].clone()), "merging changes no part")
}

func TestCoresChangeNothing(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	var texts []string
	for _, cores := range []int{1, 4} {
		runtime.GOMAXPROCS(cores)
		tally, err := Run(context.Background(), short(12), Shard{}, nil)
		require.NoError(t, err)
		texts = append(texts, text(t, tally))
	}
	require.Equal(t, texts[0], texts[1])
}

func TestProgressAndCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	most := make(chan int, 100)
	_, err := Run(ctx, short(8), Shard{}, func(done, of int) { require.Equal(t, 8, of); most <- done })
	require.NoError(t, err)
	require.Len(t, most, 8)
	cancel()
	_, err = Run(ctx, short(8), Shard{}, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPointsAreTheirNumbersAlone(t *testing.T) {
	plan := short(10)
	a, s, err := plan.Point(7)
	require.NoError(t, err)
	plan.Runs = 1000
	b, u, err := plan.Point(7)
	require.NoError(t, err)
	require.Equal(t, a, b)
	require.Equal(t, s, u)
	require.InDelta(t, 5*math.Pow(12, a[1]), float64(s.Nodes), 0.5)
}

func TestQuantilesAreWithinASixteenth(t *testing.T) {
	a := Amount{Min: 0, Max: 999, Bins: map[int]int{}}
	for v := range int64(1000) {
		a.Bins[bins.Bin(v)]++
	}
	require.InEpsilon(t, 500, a.Quantile(0.5), 1.0/16)
	require.InEpsilon(t, 990, a.Quantile(0.99), 1.0/16)
	require.True(t, math.IsNaN(Amount{}.Quantile(0.5)))
}

func TestBadPlansAndMerges(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		change func(*Plan)
		want   string
	}{
		{func(p *Plan) { p.Runs = 0 }, "Plan.Runs is 0, want >= 1"},
		{func(p *Plan) { p.Scenario.Nodes = -1 }, "Plan.Scenario: cascade: Scenario.Nodes is -1"},
		{
			func(p *Plan) { p.Ranges[1].Parameter = scenario.ParamDelay },
			"Plan.Ranges has parameter delay twice, want each once",
		},
		{
			func(p *Plan) { p.Ranges[1] = Range{Parameter: scenario.ParamNodes, Low: 50, High: 5} },
			"Range nodes=50:5: Low is 50, want <= High 5",
		},
		{func(p *Plan) { p.Ranges[0].Log = true }, "Range delay=0:6:log: Low is 0, want > 0 with Log"},
		{
			func(p *Plan) { p.Ranges[0] = Range{Parameter: "x", High: 1} },
			`Range x=0:1: cascade: Parameter is "x", want one of`,
		},
		{
			func(p *Plan) { p.Ranges[0] = Range{Parameter: scenario.ParamPending, High: 9} },
			"Range pending=0:9: cascade: Parameter pending: the scena",
		},
	} {
		plan := short(3)
		c.change(&plan)
		_, err := Run(ctx, plan, Shard{}, nil)
		require.ErrorContains(t, err, "sweep: "+c.want)
	}
	_, err := Run(ctx, short(3), Shard{Index: 3, Count: 3}, nil)
	require.EqualError(t, err, "sweep: Shard is 3 of 3, want an index of 0 to count - 1")
	part, err := Run(ctx, short(3), Shard{Index: 0, Count: 3}, nil)
	require.NoError(t, err)
	_, err = Merge(part, part)
	require.EqualError(t, err, "sweep: Merge: tally 1 has shard 0 a second time, want each once")
	other, err := Run(ctx, short(4), Shard{Index: 1, Count: 3}, nil)
	require.NoError(t, err)
	_, err = Merge(part, other)
	require.ErrorContains(t, err, "sweep: Merge: tally 1 is of plan")
	_, err = Merge(part, &Tally{})
	require.EqualError(t, err, "sweep: Merge: tally 1 is not one that Run made")
	_, err = Merge()
	require.EqualError(t, err, "sweep: Merge: no tallies, want one at least")
}

func TestRanges(t *testing.T) {
	for _, s := range []string{"delay=0:6", "nodes=10:1000:log"} {
		r, err := ParseRange(s)
		require.NoError(t, err)
		require.Equal(t, s, r.String())
	}
	for _, s := range []string{"delay", "delay=1", "delay=a:2", "delay=1:2:lin"} {
		_, err := ParseRange(s)
		require.ErrorContains(t, err, "sweep: Range")
	}
}

func TestManifest(t *testing.T) {
	job, err := Job{Image: "i", Shards: 3, Args: []string{"-runs=9"}}.Manifest()
	require.NoError(t, err)
	require.Equal(t, "redline-sweep", job.Name)
	require.EqualValues(t, 3, *job.Spec.Completions)
	require.EqualValues(t, 3, *job.Spec.Parallelism, "all at a time")
	container := job.Spec.Template.Spec.Containers[0]
	require.Equal(t, []string{"-shards=3", "-runs=9"}, container.Args)
	require.Equal(t, "2", container.Resources.Requests.Cpu().String())
}

func TestManifestRefuses(t *testing.T) {
	for want, job := range map[string]Job{
		"sweep: Job.Image is empty, want the image of the sweep command": {},
		"sweep: Job.Shards is 0, want 1 to 100000":                       {Image: "i"},
		"sweep: Job.Parallel, Cores are -1, 0, want >= 0":                {Image: "i", Shards: 1, Parallel: -1},
	} {
		_, err := job.Manifest()
		require.EqualError(t, err, want)
	}
}

// BenchmarkSweep makes runs of the incident over the ranges of examples/sweep. 100,000 of them are
// to take 10 minutes on two cores: 12 ms of one core each.
func BenchmarkSweep(b *testing.B) {
	plan := Plan{Scenario: cascade.Incident8829(), Runs: max(b.N, 1), Ranges: []Range{
		{Parameter: scenario.ParamDelay, High: 6},
		{Parameter: scenario.ParamDuration, Low: 60, High: 6000},
		{Parameter: scenario.ParamNodes, Low: 20, High: 200},
	}}
	b.ResetTimer()
	_, err := Run(context.Background(), plan, Shard{}, nil)
	require.NoError(b, err)
	b.ReportMetric(float64(plan.Runs)/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(b.Elapsed().Minutes()*1e5/float64(plan.Runs), "min/100k-runs")
}
