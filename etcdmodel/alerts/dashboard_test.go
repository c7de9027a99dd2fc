package alerts

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
)

var update = flag.Bool("update", false, "write testdata/dashboard.json and the table of docs/alerts.md anew")

func dashboardOf(t *testing.T, c etcdmodel.Cluster, o Options) map[string]any {
	t.Helper()
	set, err := For(c, eventStorm(200), o)
	require.NoError(t, err)
	text, err := set.Dashboard()
	require.NoError(t, err)
	again, err := set.Dashboard()
	require.NoError(t, err)
	require.Equal(t, text, again)
	var d map[string]any
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

// The dashboard of one made-up prediction, whole: its difference is read before it is accepted.
func TestDashboardSnapshot(t *testing.T) {
	o, err := Options{Selector: `job="etcd"`}.withDefaults()
	require.NoError(t, err)
	set := Set{
		options: o, cluster: etcdmodel.Cluster{}.WithDefaults(),
		Rules: []Rule{{Name: "EtcdFsyncSlow", Threshold: 0.064}, {Name: "EtcdLeaderChanges", Threshold: 2}},
		prediction: etcdmodel.Prediction{
			Throughput: 200, Sustainable: 5000,
			Fsync:         etcdmodel.Latency{P99: 4 * time.Millisecond},
			BackendCommit: etcdmodel.Latency{P99: 9 * time.Millisecond},
			DB:            etcdmodel.DB{Growth: 1000, Plateau: 300 << 20, QuotaIn: -1},
		},
	}
	text, err := set.Dashboard()
	require.NoError(t, err)
	file := filepath.Join("testdata", "dashboard.json")
	if *update {
		require.NoError(t, os.WriteFile(file, text, 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text))
}

// grafanaVariable matches a variable: Grafana replaces it before Prometheus sees the expression.
var grafanaVariable = regexp.MustCompile(`\$\{?\w+\}?`)

// Every expression is PromQL with the variables in place and replaced, panels fill the grid without
// overlap, and what names a variable names one that exists.
func TestDashboardStructure(t *testing.T) {
	for _, o := range []Options{{}, {Selector: `cluster="a\"b"`, Without: []string{"replica"}}} {
		for _, c := range []etcdmodel.Cluster{{Members: 1}, {}, {CompactEvery: etcdmodel.NoCompaction}} {
			d := dashboardOf(t, c, o)
			names := map[string]bool{}
			for _, v := range d["templating"].(map[string]any)["list"].([]any) {
				names[v.(map[string]any)["name"].(string)] = true
			}
			assert.Equal(t, map[string]bool{"datasource": true, "job": true, "cluster": true}, names)
			taken, ids := map[[2]float64]bool{}, map[float64]bool{}
			for _, p := range d["panels"].([]any) {
				p := p.(map[string]any)
				g := p["gridPos"].(map[string]any)
				place := [2]float64{g["x"].(float64), g["y"].(float64)}
				assert.False(t, taken[place] || ids[p["id"].(float64)])
				taken[place], ids[p["id"].(float64)] = true, true
				assert.LessOrEqual(t, g["x"].(float64)+g["w"].(float64), 24.0)
				requireSteps(t, p)
				for _, q := range p["targets"].([]any) {
					requireTarget(t, q.(map[string]any), names)
				}
			}
			assert.Len(t, taken, 10)
		}
	}
}

// requireSteps checks that thresholds rise from null, as Grafana wants them.
func requireSteps(t *testing.T, p map[string]any) {
	t.Helper()
	defaults := p["fieldConfig"].(map[string]any)["defaults"].(map[string]any)
	steps := defaults["thresholds"].(map[string]any)["steps"].([]any)
	assert.Nil(t, steps[0].(map[string]any)["value"])
	last := 0.0
	for _, s := range steps[1:] {
		value := s.(map[string]any)["value"].(float64)
		assert.Greater(t, value, last, p["title"])
		last = value
	}
}

func requireTarget(t *testing.T, q map[string]any, names map[string]bool) {
	t.Helper()
	expr := q["expr"].(string)
	for _, text := range []string{expr, grafanaVariable.ReplaceAllString(expr, "x|y.*")} {
		_, err := promQL.ParseExpr(text)
		require.NoError(t, err, text)
	}
	for _, v := range grafanaVariable.FindAllString(expr, -1) {
		assert.Contains(t, names, v[1:], expr)
	}
	assert.Equal(t, "${datasource}", q["datasource"].(map[string]any)["uid"])
}

// Thresholds in the pictures are those of the rules and of the prediction.
func TestDashboardThresholds(t *testing.T) {
	c := etcdmodel.Cluster{Disks: []etcdmodel.Disk{etcdmodel.NetworkBlock()}}
	set, err := For(c, eventStorm(200), Options{Lead: 30 * time.Minute})
	require.NoError(t, err)
	for _, g := range set.graphs() {
		steps := set.steps(g).Steps
		for _, r := range set.Rules {
			if r.Name == g.rule {
				assert.InDelta(t, r.Threshold, *steps[len(steps)-1].Value, 0, g.title)
			}
		}
	}
	assert.Contains(t, set.graphs()[2].lines[3].expr, "vector(")
}
