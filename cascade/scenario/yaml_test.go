package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/proxymodel"
)

func TestScenarioSurvivesYAML(t *testing.T) {
	for _, s := range []scenario.Scenario{
		{},
		incident8829.Scenario(),
		cascade.Tipping(),
		{
			Pods: scenario.Pods{Start: time.Second, CNINeedsAPI: true},
			Actions: []scenario.Action{
				{Do: scenario.Crash, N: 3, For: time.Minute},
				{Do: scenario.Room, N: 60},
				{Do: scenario.Down, N: 2, For: time.Minute},
				{Do: scenario.Restart, What: scenario.EtcdMember},
				{Do: scenario.Defrag},
			},
		},
		{
			Version: kube.V1_37, Etcd: scenario.Etcd{Version: etcdmodel.V3_6, Members: 3},
			Proxy:    scenario.Proxy{Mode: proxymodel.NFTables},
			Workload: scenario.Workload{HPA: &scenario.Autoscaler{Max: 500}},
			Actions:  []scenario.Action{{At: time.Minute, Do: scenario.Load, N: 200}},
		},
	} {
		text, err := s.YAML()
		require.NoError(t, err)
		back, err := scenario.Read(strings.NewReader(string(text)))
		require.NoError(t, err, string(text))
		require.Equal(t, s, back, string(text))
	}
}

func TestScenarioIsReadStrictly(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "cascade: the scenario is empty, want YAML",
		"nodes: 100\nnods: 3\n":                 "line 2: field nods not found",
		"actions:\n- at: 1s\n  to: delay\n":     "line 3: field to not found",
		"nodes: many\n":                         "line 1: cannot unmarshal",
		"length: 5 minutes\n":                   "line 1: cannot unmarshal",
		"nodes: 1\n---\nnodes: 2\n":             "followed by another document",
		"version: v1.30\n":                      "cascade: Scenario.Version is v1.30, want v1.29 or v1.37",
		"etcd: {version: \"2.3\"}\n":            "cascade: etcd.version:",
		"etcd: {disks: 3}\n":                    "line 1: field disks not found",
		"proxy: {mode: ebpf}\n":                 "cascade: proxy.mode is ebpf, want iptables, nftables or ipvs",
		"nodes: 1000000\n":                      "cascade: Scenario.Nodes is 1000000, want 1 to 100000",
		"actions: [{at: 1s, do: explode}]\n":    "cascade: Actions[0].Do is explode",
		"actions: [{at: 1s, do: kill, n: 9}]\n": "cascade: Actions[0].N is 9, want 0 to 1, the members",
	} {
		_, err := scenario.Read(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzReadScenario(f *testing.F) {
	text, err := incident8829.Scenario().YAML()
	require.NoError(f, err)
	f.Add(string(text))
	f.Add("actions: [{at: 1s, do: load, n: 9}]")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := scenario.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		out, err := s.YAML()
		require.NoError(t, err)
		_, err = scenario.Read(strings.NewReader(string(out)))
		require.NoError(t, err, string(out))
	})
}
