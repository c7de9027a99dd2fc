//go:build !js

package alerts

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/redline-go/redline/etcdmodel"
)

// promtool runs Prometheus' own checker, or skips.
func promtool(t *testing.T, arguments ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	out, err := exec.Command(path, arguments...).CombinedOutput()
	require.NoError(t, err, "promtool %s\n%s", strings.Join(arguments, " "), out)
}

type promtoolTest struct {
	RuleFiles []string       `json:"rule_files"`
	Interval  string         `json:"evaluation_interval"`
	Tests     []promtoolCase `json:"tests"`
}

type promtoolCase struct {
	Interval string           `json:"interval"`
	Series   []promtoolSeries `json:"input_series"`
	Alerts   []promtoolAlert  `json:"alert_rule_test"`
}

type promtoolSeries struct {
	Series string `json:"series"`
	Values string `json:"values"`
}

type promtoolAlert struct {
	At     string           `json:"eval_time"`
	Name   string           `json:"alertname"`
	Expect []promtoolFiring `json:"exp_alerts"`
}

type promtoolFiring struct {
	Labels      map[string]string `json:"exp_labels"`
	Annotations map[string]string `json:"exp_annotations"`
}

// A trial feeds Prometheus, minute by minute, the values that the model has for the metrics. It
// expects the alert to be silent at one time and to fire at another.
type trial struct {
	rule          string
	series        []promtoolSeries
	silent, fires time.Duration
}

// predicted are the rules whose lead comes from the prediction. TestBesideMixin has them all.
var predicted = []string{
	"EtcdDatabaseNearQuota", "EtcdDatabaseGrowsToQuota", "EtcdFsyncSlow", "EtcdBackendCommitSlow", "EtcdHeartbeatsLate",
}

// memberOne are the labels of the one member: an alert has to keep them all.
const memberOne = `{job="j",cluster="c",pod="p",instance="m1"}`

// The rules pass promtool's check. Prometheus, fed with the predicted values, fires each one with
// at least the lead that it states, and not in the normal state.
func TestAlertsInPrometheus(t *testing.T) {
	cluster := etcdmodel.Cluster{Disks: []etcdmodel.Disk{etcdmodel.NetworkBlock()}}
	load := eventStorm(200)
	set, err := For(cluster, load, Options{Lead: 30 * time.Minute, Labels: map[string]string{"release": "prometheus"}})
	require.NoError(t, err)
	var trials []trial
	for _, r := range set.Rules {
		if slices.Contains(predicted, r.Name) {
			trials = append(trials, trialOf(t, r, cluster, load))
		}
	}
	require.Len(t, trials, len(predicted), "%v", set.Warnings)
	dir := t.TempDir()
	rules, err := set.RuleFile()
	require.NoError(t, err)
	object, err := set.PrometheusRule()
	require.NoError(t, err)
	requireSameSpec(t, rules, object)
	ruleFile := filepath.Join(dir, "rules.yaml")
	require.NoError(t, os.WriteFile(ruleFile, rules, 0o600))
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", ruleFile)

	test := promtoolTest{RuleFiles: []string{ruleFile}, Interval: "1m"}
	for _, tr := range trials {
		i := slices.IndexFunc(set.Rules, func(r Rule) bool { return r.Name == tr.rule })
		annotations := set.file().Groups[0].Rules[i].Annotations
		labels := map[string]string{
			"severity": set.Rules[i].Severity, "instance": "m1", "pod": "p", "job": "j", "cluster": "c",
		}
		tr.series = append(tr.series, promtoolSeries{
			metricQuota + memberOne, fmt.Sprintf("%d+0x600", set.cluster.Quota),
		})
		test.Tests = append(test.Tests, promtoolCase{Interval: "1m", Series: tr.series, Alerts: []promtoolAlert{
			{At: promDuration(tr.silent), Name: tr.rule},
			{At: promDuration(tr.fires), Name: tr.rule, Expect: []promtoolFiring{{labels, annotations}}},
		}})
	}
	text, err := yaml.Marshal(test)
	require.NoError(t, err)
	testFile := filepath.Join(dir, "test.yaml")
	require.NoError(t, os.WriteFile(testFile, text, 0o600))
	promtool(t, "test", "rules", testFile)
}

// trialOf makes the series of one rule's trouble. The alert has to fire its lead before the
// trouble.
func trialOf(t *testing.T, r Rule, c etcdmodel.Cluster, l etcdmodel.Load) trial {
	t.Helper()
	switch r.Name {
	case "EtcdDatabaseNearQuota": // from one hour's growth below the threshold, as predicted
		p, err := etcdmodel.Predict(c, l)
		require.NoError(t, err)
		start := r.Threshold - 3600*p.DB.Growth
		full := seconds((r.Limit - start) / p.DB.Growth)
		series := promtoolSeries{metricTotal + memberOne, rising(start, 60*p.DB.Growth, full)}
		return trial{
			rule: r.Name, series: []promtoolSeries{series},
			silent: 50 * time.Minute, fires: (full - r.Lead).Truncate(time.Minute),
		}
	// an hour of nothing, then a growth that nobody predicted: half the way to the quota in an hour
	// and a half
	case "EtcdDatabaseGrowsToQuota":
		step := (r.Limit - r.Normal) / 180
		series := fmt.Sprintf("%.0f+0x60 %s", r.Normal, rising(r.Normal, step, 180*time.Minute))
		full := 60*time.Minute + 180*time.Minute
		return trial{
			rule: r.Name, series: []promtoolSeries{{metricTotal + memberOne, series}},
			silent: 60 * time.Minute, fires: full - r.Lead,
		}
	case "EtcdHeartbeatsLate": // none, then a few a minute
		series := fmt.Sprintf("0+0x30 0+%.0fx30", math.Ceil(r.Threshold))
		return trial{
			rule: r.Name, series: []promtoolSeries{{"etcd_server_heartbeat_send_failures_total" + memberOne, series}},
			silent: 30 * time.Minute, fires: 40 * time.Minute,
		}
	}
	metric := map[string]string{"EtcdFsyncSlow": metricFsync, "EtcdBackendCommitSlow": metricCommit}[r.Name]
	require.NotEmpty(t, metric)
	return diskTrial(r, metric, 15*time.Minute)
}

// diskTrial makes a p99 that doubles every climb from normal after an hour, with trouble where it
// passes the limit.
func diskTrial(r Rule, metric string, climb time.Duration) trial {
	const calm = time.Hour
	trouble := calm + time.Duration(float64(climb)*math.Log2(r.Limit/r.Normal))
	counts := make([]float64, durationBuckets+1)
	values := make([]strings.Builder, durationBuckets+1)
	for at := time.Duration(0); at <= trouble; at += time.Minute {
		p99 := r.Normal * math.Exp2(max(0, float64(at-calm)/float64(climb)))
		// 6000 a minute, of which one in a hundred takes a little longer than p99, the others half of it
		for i := range counts {
			slow, fast := 1.01*p99, p99/2
			bound := math.Inf(1)
			if i < durationBuckets {
				bound = bucketBound(i).Seconds()
			}
			if fast <= bound {
				counts[i] += 5930
			}
			if slow <= bound {
				counts[i] += 70
			}
			fmt.Fprintf(&values[i], "%.0f ", counts[i])
		}
	}
	out := trial{rule: r.Name, silent: calm, fires: (trouble - r.Lead).Truncate(time.Minute)}
	for i := range values {
		le := "+Inf"
		if i < durationBuckets {
			le = fmt.Sprint(bucketBound(i).Seconds())
		}
		out.series = append(out.series, promtoolSeries{
			fmt.Sprintf(`%s_bucket%s,le="%s"}`, metric, strings.TrimSuffix(memberOne, "}"), le), values[i].String(),
		})
	}
	return out
}

// rising returns a series that grows by step each minute for so long.
func rising(start, step float64, lasting time.Duration) string {
	return fmt.Sprintf("%.0f+%.0fx%d", start, step, int(lasting.Minutes())+1)
}

// requireSameSpec checks that the object holds the very rules of the file.
func requireSameSpec(t *testing.T, file, object []byte) {
	t.Helper()
	var a map[string]any
	var b struct {
		Kind     string         `json:"kind"`
		Metadata map[string]any `json:"metadata"`
		Spec     map[string]any `json:"spec"`
	}
	require.NoError(t, yaml.Unmarshal(file, &a))
	require.NoError(t, yaml.Unmarshal(object, &b))
	require.Equal(t, "PrometheusRule", b.Kind)
	require.Equal(t, map[string]any{"release": "prometheus"}, b.Metadata["labels"])
	require.Equal(t, a, b.Spec)
}
