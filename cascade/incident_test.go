package cascade

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/kube"
)

func TestIncidentTellsItsStory(t *testing.T) {
	r, err := Run(context.Background(), Incident8829())
	require.NoError(t, err)
	for _, e := range r.Timeline {
		t.Log(e)
	}
	require.NotEqual(t, story.Healthy, r.Verdict.State)
	require.Equal(t, 450, r.Totals.PeakPending)
	for _, e := range r.Timeline {
		require.NotEmpty(t, e.Cause, e)
	}
	for _, v := range []kube.Version{kube.V1_29, kube.V1_37} {
		stuck := 0 // seeds whose two pods find a node at 02:09:30 and stay ContainerCreating: 10 of 20
		for seed := range uint64(20) {
			s := Incident8829()
			s.Seed, s.Version = s.Seed+seed, v
			if run(t, s).Totals.Creating > 45*time.Minute {
				stuck++
			} else {
				require.NotZero(t, seed, v)
			}
		}
		require.GreaterOrEqual(t, stuck, 6, v)
	}
	t.Logf("%+v", r.Verdict)
	t.Logf("%+v", r.Totals)
}

// BenchmarkIncident runs the incident of each version and with each change. It reports what it did
// beside how long it took.
func BenchmarkIncident(b *testing.B) {
	cases := []Change{
		{Name: "v1.29", Apply: func(s Scenario) Scenario { return s }},
		{Name: "v1.37", Apply: scenario.Edit(func(s *Scenario) {
			s.Version, s.Leases.Grace = kube.V1_37, 0
			s.Etcd.Before3512 = false
		})},
		{Name: "three members", Apply: scenario.Edit(func(s *Scenario) { s.Etcd.Members = 3 })},
		{Name: "5000 nodes", Apply: scenario.Edit(func(s *Scenario) { s.Nodes = 5000 })},
		{Name: "at rest", Apply: scenario.Edit(func(s *Scenario) { s.Actions = nil })},
		{Name: "at rest, 5000 nodes", Apply: scenario.Edit(func(s *Scenario) { s.Actions, s.Nodes = nil, 5000 })},
	}
	for _, c := range append(cases, incident8829.ActionItems()...) {
		b.Run(strings.ReplaceAll(c.Name, " ", "_"), func(b *testing.B) {
			s := c.Apply(Incident8829())
			var r *Result
			b.ReportAllocs()
			for b.Loop() {
				r = run(b, s)
			}
			t := r.Totals
			b.ReportMetric(float64(t.PeakPending), "pending-pods")
			b.ReportMetric(float64(t.PeakNotReady), "NotReady-nodes")
			b.ReportMetric(t.EventsPerMinute, "event-writes/min")
			b.ReportMetric(t.CommitP99.Seconds(), "commit-p99-s")
			b.ReportMetric(float64(t.DBGrowth)/1e6, "db-MB")
			b.ReportMetric(t.ProxySync.Seconds(), "proxy-sync-s")
			b.ReportMetric(r.Verdict.Recovered.Minutes(), "minutes-to-recover")
			b.ReportMetric(r.Verdict.Impaired.Minutes(), "minutes-impaired")
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	for b.Loop() {
		_, err := Compare(context.Background(), Incident8829(), incident8829.ActionItems()[:12]...)
		require.NoError(b, err)
	}
	b.ReportMetric(200*13, "runs/op")
}

func BenchmarkMap(b *testing.B) {
	for b.Loop() {
		_, err := Map(context.Background(), Tipping(),
			Linear(scenario.ParamDelay, 0.25, 4, 40), Linear(scenario.ParamNodes, 20, 200, 40))
		require.NoError(b, err)
	}
	b.ReportMetric(1600, "cells/op")
}
