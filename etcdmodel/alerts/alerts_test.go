package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
)

// eventStorm returns the incident's load: unschedulable pods whose Events grow the db.
func eventStorm(rate float64) etcdmodel.Load {
	return etcdmodel.Load{Streams: []etcdmodel.Stream{
		{
			Name: "events", Op: etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: 70, Value: 834, Lease: true}, Rate: rate,
			TTL: time.Hour,
		},
		{Name: "leases", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 50, Value: 525}, Rate: 20, Keys: 200},
	}, For: 3 * time.Second}
}

func rulesOf(t *testing.T, c etcdmodel.Cluster, l etcdmodel.Load, o Options) (map[string]Rule, Set) {
	t.Helper()
	a, err := For(c, l, o)
	require.NoError(t, err)
	rules := map[string]Rule{}
	for _, r := range a.Rules {
		rules[r.Name] = r
	}
	return rules, a
}

// fallsBelow are the rules that fire where a value falls.
var fallsBelow = map[string]bool{
	"EtcdNoLeader": true, "EtcdMembersDown": true, "EtcdInsufficientMembers": true, "EtcdDatabaseFragmented": true,
}

// Every threshold is above normal and below trouble, and what cannot keep its lead says so.
func TestAlertsBetweenNormalAndTrouble(t *testing.T) {
	for _, disk := range etcdmodel.Presets() {
		for _, rate := range []float64{5, 50, 500} {
			name := fmt.Sprintf("%s, %v/s", disk.Name, rate)
			rules, a := rulesOf(t, etcdmodel.Cluster{Disks: []etcdmodel.Disk{disk}}, eventStorm(rate), Options{})
			for _, r := range rules {
				least, most := r.Normal, r.Limit
				if fallsBelow[r.Name] {
					least, most = most, least
				}
				assert.LessOrEqual(t, least, r.Threshold, "%s %s", name, r.Name)
				assert.LessOrEqual(t, r.Threshold, most, "%s %s", name, r.Name)
				assert.GreaterOrEqual(t, r.Lead, time.Duration(0), "%s %s", name, r.Name)
			}
			assert.Contains(t, rules, "EtcdDatabaseNearQuota", name)
			assert.Contains(t, rules, "EtcdHeartbeatsLate", name)
			if _, ok := rules["EtcdFsyncSlow"]; !ok {
				assert.NotEmpty(t, a.Warnings, name)
			}
		}
	}
}

// At the predicted growth, the size rule fires its lead before the quota: arithmetic of its own.
func TestAlertLead(t *testing.T) {
	c := etcdmodel.Cluster{CompactEvery: etcdmodel.NoCompaction}
	l := eventStorm(300)
	p, err := etcdmodel.Predict(c, l)
	require.NoError(t, err)
	rules, _ := rulesOf(t, c, l, Options{Lead: 20 * time.Minute})
	r := rules["EtcdDatabaseNearQuota"]
	fires := r.Threshold/p.DB.Growth + (holdFor + delay).Seconds()
	assert.InEpsilon(t, 20*60, r.Limit/p.DB.Growth-fires, 0.01)
	assert.InDelta(t, 20*60, r.Lead.Seconds(), 2)

	// Ten times the growth: twenty minutes before the quota the db is not yet half full. The lead
	// shrinks, and a warning says so.
	rules, a := rulesOf(t, c, eventStorm(3000), Options{Lead: 20 * time.Minute})
	assert.Less(t, rules["EtcdDatabaseNearQuota"].Lead, 20*time.Minute)
	assert.ErrorContains(t, a.Warnings[0], "EtcdDatabaseNearQuota keeps a lead of")
}

// A single member sends no heartbeats; a disk that is too slow already has no threshold.
func TestAlertsLeftOut(t *testing.T) {
	rules, _ := rulesOf(t, etcdmodel.Cluster{Members: 1}, eventStorm(50), Options{})
	assert.NotContains(t, rules, "EtcdHeartbeatsLate")
	rules, a := rulesOf(
		t, etcdmodel.Cluster{Disks: []etcdmodel.Disk{etcdmodel.FixedDisk(800 * time.Millisecond)}}, eventStorm(50),
		Options{},
	)
	assert.NotContains(t, rules, "EtcdFsyncSlow")
	assert.NotEmpty(t, a.Warnings)
	_, err := For(etcdmodel.Cluster{}, eventStorm(1), Options{Climb: -1})
	assert.EqualError(t, err, "etcdmodel: alerts: Options.Climb is -1ns, want 0 to 8760h0m0s")
	_, err = For(etcdmodel.Cluster{Members: -1}, eventStorm(1), Options{})
	assert.ErrorIs(t, err, etcdmodel.ErrInput)
}

// Warnings tell what is: no lead that equals the one asked for, no latency of nothing.
func TestAlertWarningsMakeSense(t *testing.T) {
	rare := etcdmodel.Load{Streams: []etcdmodel.Stream{{
		Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 60, Value: 525}, Rate: 0.6, Keys: 100,
	}}}
	reads := etcdmodel.Load{Streams: []etcdmodel.Stream{{
		Op: etcdmodel.Op{Kind: etcdmodel.Range, Key: 60, Value: 525}, Rate: 10,
	}}}
	full := etcdmodel.State{Total: 3 << 30, InUse: 1 << 30}
	for name, x := range map[string]struct {
		c etcdmodel.Cluster
		l etcdmodel.Load
	}{
		"rare": {etcdmodel.Cluster{Members: 1}, rare}, "reads": {etcdmodel.Cluster{}, reads},
		"full": {etcdmodel.Cluster{State: full}, rare},
	} {
		rules, set := rulesOf(t, x.c, x.l, Options{})
		for _, w := range set.Warnings {
			assert.NotContains(t, w.Error(), "1h0m0s and not 1h0m0s", name)
			assert.NotContains(t, w.Error(), etcdmodel.NoSample.String(), name)
			assert.NotContains(t, w.Error(), "p99 of 0s", name)
		}
		text, err := json.Marshal(set)
		require.NoError(t, err, name)
		assert.NotContains(t, string(text), "{}", name)
		for _, r := range rules {
			assert.Less(t, r.Normal, 1e12, "%s: %s", name, r.Name)
		}
		if name != "rare" {
			assert.NotContains(t, rules, "EtcdFsyncSlow", name)
			assert.NotContains(t, rules, "EtcdWritesSlow", name)
		}
	}
}

func TestBucketBounds(t *testing.T) {
	assert.Equal(t, time.Millisecond, boundAtMost(10*time.Microsecond))
	assert.Equal(t, 8*time.Millisecond, boundAtMost(15*time.Millisecond))
	assert.Equal(t, 16*time.Millisecond, boundAtMost(16*time.Millisecond))
	assert.Equal(t, 16*time.Millisecond, boundAbove(15*time.Millisecond))
	assert.Equal(t, 8192*time.Millisecond, boundAbove(time.Hour))
}

// A context that has ended ends the rules.
func TestForContext(t *testing.T) {
	c := etcdmodel.Cluster{Members: 1}
	l := etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: etcdmodel.Op{Key: 60, Value: 500}, Rate: 50, Keys: 100}}}
	want, err := For(c, l, Options{})
	require.NoError(t, err)
	got, err := ForContext(t.Context(), c, l, Options{})
	require.NoError(t, err)
	assert.Equal(t, want, got)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = ForContext(ctx, c, l, Options{})
	require.ErrorIs(t, err, context.Canceled)
}
