//go:build !js

package alerts

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/redline-go/redline/etcdmodel"
)

// Each trouble begins after a time in which nothing is wrong. What comes slowly is watched for
// longer, and after a longer calm.
const (
	calmMinutes  = 60
	shortCalm    = 20
	shortTrouble = 30
	longTrouble  = 145
	troubleTotal = calmMinutes + longTrouble
)

// A scenario changes some of the series of a healthy cluster. trouble is the number of minutes
// from its start until requests suffer; -1 where that has no moment.
type scenario struct {
	name    string
	trouble int
	change  func(s *seriesSet)
}

// seriesSet holds the value of each series by minute; NaN is no sample.
type seriesSet struct {
	order  []string
	values map[string][]float64
}

func (s *seriesSet) set(name string, at func(minute int) float64) {
	if _, ok := s.values[name]; !ok {
		s.order = append(s.order, name)
	}
	values := make([]float64, troubleTotal+1)
	for m := range values {
		values[m] = at(m)
	}
	s.values[name] = values
}

var memberLabels = []string{
	`job="etcd",cluster="prod",instance="10.0.0.1:2379",pod="etcd-0"`,
	`job="etcd",cluster="prod",instance="10.0.0.2:2379",pod="etcd-1"`,
	`job="etcd",cluster="prod",instance="10.0.0.3:2379",pod="etcd-2"`,
}

// member sets a metric of a member; more are labels of its own.
func (s *seriesSet) member(i int, metric, more string, at func(minute int) float64) {
	if more != "" {
		more = "," + more
	}
	s.set(fmt.Sprintf("%s{%s%s}", metric, memberLabels[i], more), at)
}

// since returns the minutes of the trouble so far.
func since(minute int) float64 { return max(0, float64(minute-calmMinutes)) }

func constant(x float64) func(int) float64 { return func(int) float64 { return x } }

// counter adds up a rate per minute.
func counter(rate func(minute int) float64) func(int) float64 {
	sums := make([]float64, troubleTotal+1)
	for m := 1; m <= troubleTotal; m++ {
		sums[m] = sums[m-1] + rate(m)
	}
	return func(m int) float64 { return math.Floor(sums[m]) }
}

// p99 sets a histogram of the first member: 6,000 observations a minute. One in 80 takes a little
// longer than the p99, the others half of it.
func (s *seriesSet) p99(metric, more string, bounds []float64, at func(minute int) float64) {
	if more != "" {
		more += ","
	}
	for _, bound := range append(slices.Clone(bounds), math.Inf(1)) {
		le := "+Inf"
		if !math.IsInf(bound, 1) {
			le = fmt.Sprint(bound)
		}
		s.member(0, metric+"_bucket", fmt.Sprintf("%sle=%q", more, le), counter(func(m int) float64 {
			n := 0.0
			if at(m)/2 <= bound {
				n += 5925
			}
			if 1.01*at(m) <= bound {
				n += 75
			}
			return n
		}))
	}
}

func doubling(first float64, n int) []float64 {
	bounds := make([]float64, n)
	for i := range bounds {
		bounds[i] = first * math.Exp2(float64(i))
	}
	return bounds
}

var (
	diskBounds = doubling(0.001, 14)
	peerBounds = doubling(0.0001, 16)
	grpcBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
	txn        = `grpc_service="etcdserverpb.KV",grpc_method="Txn",grpc_type="unary"`
)

// healthy returns the series of a cluster of three under the prediction.
func healthy(p etcdmodel.Prediction, quota float64) *seriesSet {
	s := &seriesSet{values: map[string][]float64{}}
	for i := range memberLabels {
		s.member(i, "up", "", constant(1))
		s.member(i, "etcd_server_has_leader", "", constant(1))
		s.member(i, "etcd_server_leader_changes_seen_total", "", constant(1))
		s.member(i, "etcd_server_heartbeat_send_failures_total", "", constant(0))
		s.member(i, "etcd_server_proposals_failed_total", "", constant(0))
		s.member(i, "etcd_server_slow_apply_total", "", constant(0))
		s.member(i, "etcd_server_proposals_applied_total", "", counter(constant(60*p.Throughput)))
		s.member(i, "etcd_network_peer_sent_failures_total", `To="x"`, constant(0))
		s.member(i, metricTotal, "", constant(float64(p.DB.Plateau)))
		s.member(i, metricInUse, "", constant(0.8*float64(p.DB.Plateau)))
		s.member(i, metricQuota, "", constant(quota))
		s.member(i, "grpc_server_handled_total", txn+`,grpc_code="OK"`, counter(constant(6000)))
		s.member(i, "grpc_server_handled_total", txn+`,grpc_code="Unavailable"`, constant(0))
	}
	s.p99(metricFsync, "", diskBounds, constant(p.Fsync.P99.Seconds()))
	s.p99(metricCommit, "", diskBounds, constant(p.BackendCommit.P99.Seconds()))
	s.p99("grpc_server_handling_seconds", txn, grpcBounds, constant(p.Commit.P99.Seconds()))
	s.p99("etcd_network_peer_round_trip_time_seconds", `To="x"`, peerBounds, constant(0.0002))
	return s
}

// gone ends the series of a member at the trouble's start.
func (s *seriesSet) gone(i int) {
	for _, name := range s.order {
		if !strings.Contains(name, memberLabels[i]) {
			continue
		}
		for m := calmMinutes; m <= troubleTotal; m++ {
			s.values[name][m] = math.NaN()
		}
	}
}

func (s *seriesSet) each(metric, more string, at func(minute int) float64) {
	for i := range memberLabels {
		s.member(i, metric, more, at)
	}
}

func scenarios(set Set, slower float64) []scenario {
	p, quota := set.prediction, float64(set.cluster.Quota)
	start := float64(p.DB.Plateau)
	room := (quota - start) / 60 // bytes a minute that fill the db in an hour
	climb := func(first float64) func(int) float64 {
		return func(m int) float64 { return first * math.Exp2(since(m)/15) }
	}
	step := func(before, after float64) func(int) float64 {
		return func(m int) float64 {
			if m > calmMinutes {
				return after
			}
			return before
		}
	}
	down := func(i int) func(*seriesSet) {
		return func(s *seriesSet) {
			s.gone(i)
			s.member(i, "up", "", step(1, 0))
		}
	}
	return []scenario{
		{"nothing is wrong", -1, func(*seriesSet) {}},
		{"nobody compacts: the db fills as predicted", int((quota - start) / p.DB.Growth / 60), func(s *seriesSet) {
			s.each(metricTotal, "", func(m int) float64 { return start + 60*p.DB.Growth*since(m) })
			s.each(metricInUse, "", func(m int) float64 { return start + 60*p.DB.Growth*since(m) })
		}},
		{"the db fills in 90 minutes, which nobody predicted", 90, func(s *seriesSet) {
			s.each(metricTotal, "", func(m int) float64 { return start + room*60/90*since(m) })
			s.each(metricInUse, "", func(m int) float64 { return start + room*60/90*since(m) })
		}},
		{"the disk becomes twice as slow every 15 minutes", int(15 * math.Log2(slower)), func(s *seriesSet) {
			s.p99(metricFsync, "", diskBounds, climb(p.Fsync.P99.Seconds()))
			s.p99(metricCommit, "", diskBounds, climb(p.BackendCommit.P99.Seconds()))
		}},
		{"a member stops", -1, down(2)},
		{"a member stops, its target too", -1, func(s *seriesSet) { s.gone(2) }},
		{"two members stop", 0, func(s *seriesSet) {
			down(1)(s)
			down(2)(s)
			s.member(0, "etcd_server_has_leader", "", step(1, 0))
		}},
		{"an election every five minutes", 0, func(s *seriesSet) {
			s.each("etcd_server_leader_changes_seen_total", "", func(m int) float64 { return 1 + math.Floor(since(m)/5) })
		}},
		{"heartbeats are late, two a minute", -1, func(s *seriesSet) {
			s.member(0, "etcd_server_heartbeat_send_failures_total", "", counter(step(0, 2)))
		}},
		{"a round trip of 75 ms between members", -1, func(s *seriesSet) {
			s.p99("etcd_network_peer_round_trip_time_seconds", `To="x"`, peerBounds, step(0.0002, 0.075))
		}},
		{"3 % of the proposals fail", 0, func(s *seriesSet) {
			s.each("etcd_server_proposals_failed_total", "", counter(step(0, 0.03*60*p.Throughput)))
		}},
		{"2 % of the requests fail", 0, func(s *seriesSet) {
			s.each("grpc_server_handled_total", txn+`,grpc_code="Unavailable"`, counter(step(0, 120)))
		}},
		{"10 % of the requests fail", 0, func(s *seriesSet) {
			s.each("grpc_server_handled_total", txn+`,grpc_code="Unavailable"`, counter(step(0, 660)))
		}},
		{"a write's p99 is 0.4 s", 0, func(s *seriesSet) {
			s.p99("grpc_server_handling_seconds", txn, grpcBounds, step(p.Commit.P99.Seconds(), 0.4))
		}},
		{"one apply in 20 is slow", 0, func(s *seriesSet) {
			s.each("etcd_server_slow_apply_total", "", counter(step(0, 0.05*60*p.Throughput)))
		}},
		{"80 % of a large db is free pages", -1, func(s *seriesSet) {
			s.each(metricTotal, "", step(start, 0.65*quota))
			s.each(metricInUse, "", step(0.8*start, 0.13*quota))
		}},
	}
}

// TestBesideMixin feeds our rules and etcd-mixin's with the same series and holds the table of
// docs/alerts.md: what fires, and how many minutes after the trouble began.
func TestBesideMixin(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	cluster := etcdmodel.Cluster{Disks: []etcdmodel.Disk{etcdmodel.NetworkBlock()}}
	load := eventStorm(200)
	set, err := For(cluster, load, Options{Lead: 30 * time.Minute, Selector: `job="etcd"`})
	require.NoError(t, err)
	slower, _, err := tooSlow(cluster, load, etcdmodel.Predict)
	require.NoError(t, err)
	dir := t.TempDir()
	rules, err := set.RuleFile()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ours.yaml"), rules, 0o600))
	mixin, err := os.ReadFile(filepath.Join("testdata", "etcd-mixin.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mixin.yaml"), mixin, 0o600))
	var lines []string
	for _, sc := range scenarios(set, slower) {
		s := healthy(set.prediction, float64(set.cluster.Quota))
		sc.change(s)
		calm, minutes := shortCalm, shortTrouble
		if sc.trouble > 0 {
			calm, minutes = calmMinutes, longTrouble
		}
		fired := firstFirings(t, tool, dir, s, calm, minutes)
		if sc.name == "nothing is wrong" {
			assert.Empty(t, fired)
			continue
		}
		lines = append(lines, tableLine(sc, fired))
	}
	requireTable(t, strings.Join(lines, "\n")+"\n")
}

// requireTable holds that docs/alerts.md has these lines as its table, or writes them there.
func requireTable(t *testing.T, lines string) {
	t.Helper()
	file := filepath.Join("..", "..", "docs", "alerts.md")
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	const head = "| what happens | trouble | ours | etcd-mixin |\n|---|---|---|---|\n"
	before, after, ok := strings.Cut(string(page), head)
	require.True(t, ok, "the table's head")
	table, after, ok := strings.Cut(after, "\n\n")
	require.True(t, ok, "the table's end")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+head+lines+"\n"+after), 0o600))
		return
	}
	require.Equal(t, lines, table+"\n", "docs/alerts.md; go test ./etcdmodel/alerts -run BesideMixin -update writes it")
}

// tableLine returns a scenario's line of the table.
func tableLine(sc scenario, fired map[string]int) string {
	ours, theirs := []string{}, []string{}
	for _, name := range sortedKeys(fired) {
		text := fmt.Sprintf("%s %d", name, fired[name])
		if strings.HasPrefix(name, "Etcd") {
			ours = append(ours, text)
		} else {
			theirs = append(theirs, text)
		}
	}
	dash := func(s []string) string {
		if len(s) == 0 {
			return "-"
		}
		return strings.Join(s, ", ")
	}
	trouble := "-"
	if sc.trouble >= 0 {
		trouble = fmt.Sprint(sc.trouble)
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", sc.name, trouble, dash(ours), dash(theirs))
}

var (
	firedAt   = regexp.MustCompile(`time: ([0-9a-z]+),`)
	firedName = regexp.MustCompile(`alertname="(\w+)"`)
)

// firstFirings returns the minutes from the trouble's start to the first firing of each alert.
// promtool has no query, so every minute expects that nothing fires, and the report says what did.
func firstFirings(t *testing.T, tool, dir string, s *seriesSet, calm, minutes int) map[string]int {
	t.Helper()
	type evaluation struct {
		Expr string `json:"expr"`
		At   string `json:"eval_time"`
	}
	var evaluations []evaluation
	for m := calm; m <= calm+minutes; m++ {
		evaluations = append(evaluations, evaluation{`ALERTS{alertstate="firing"}`, fmt.Sprintf("%dm", m)})
	}
	text, err := yaml.Marshal(map[string]any{
		"rule_files": []string{"ours.yaml", "mixin.yaml"}, "evaluation_interval": "1m",
		"tests": []any{map[string]any{
			"interval": "1m", "input_series": s.promtool(calmMinutes-calm, calmMinutes+minutes), "promql_expr_test": evaluations,
		}},
	})
	require.NoError(t, err)
	file := filepath.Join(dir, "beside.yaml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	out, _ := exec.Command(tool, "test", "rules", file).CombinedOutput()
	require.Regexp(t, "SUCCESS|FAILED:", string(out))
	fired := map[string]int{}
	minute := 0
	for line := range strings.Lines(string(out)) {
		if at := firedAt.FindStringSubmatch(line); at != nil {
			d, err := model.ParseDuration(at[1])
			require.NoError(t, err)
			minute = int(time.Duration(d).Minutes())
		}
		for _, name := range firedName.FindAllStringSubmatch(line, -1) {
			if _, ok := fired[name[1]]; !ok {
				fired[name[1]] = minute - calm
			}
		}
	}
	require.Equal(t, strings.Contains(string(out), "FAILED:"), len(fired) > 0, "%s", out)
	return fired
}

// promtool returns the series as promtool reads them. Prometheus marks a series as stale when its
// target does not answer or is gone.
func (s *seriesSet) promtool(first, last int) []promtoolSeries {
	var out []promtoolSeries
	for _, name := range s.order {
		var b strings.Builder
		for _, v := range s.values[name][first : last+1] {
			if math.IsNaN(v) {
				b.WriteString("stale ")
			} else {
				fmt.Fprintf(&b, "%.9g ", v)
			}
		}
		out = append(out, promtoolSeries{name, b.String()})
	}
	return out
}
