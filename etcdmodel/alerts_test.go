package etcdmodel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eventStorm is the incident's: unschedulable pods whose Events grow the db.
func eventStorm(rate float64) Load {
	return Load{Streams: []Stream{
		{Name: "events", Op: Op{Kind: TxnCreate, Key: 70, Value: 834, Lease: true}, Rate: rate, TTL: time.Hour},
		{Name: "leases", Op: Op{Kind: TxnUpdate, Key: 50, Value: 525}, Rate: 20, Keys: 200},
	}, For: 3 * time.Second}
}

func rulesOf(t *testing.T, c Cluster, l Load, o AlertOptions) (map[string]AlertRule, Alerting) {
	t.Helper()
	a, err := Alerts(c, l, o)
	require.NoError(t, err)
	rules := map[string]AlertRule{}
	for _, r := range a.Rules {
		rules[r.Name] = r
	}
	return rules, a
}

// Every threshold is above normal and below trouble, and what cannot keep its lead says so.
func TestAlertsBetweenNormalAndTrouble(t *testing.T) {
	for _, disk := range Presets() {
		for _, rate := range []float64{5, 50, 500} {
			name := fmt.Sprintf("%s, %v/s", disk.Name, rate)
			rules, a := rulesOf(t, Cluster{Disks: []Disk{disk}}, eventStorm(rate), AlertOptions{})
			for _, r := range rules {
				assert.LessOrEqual(t, r.Normal, r.Threshold, "%s %s", name, r.Name)
				assert.LessOrEqual(t, r.Threshold, r.Limit, "%s %s", name, r.Name)
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
	c := Cluster{CompactEvery: -1}
	l := eventStorm(300)
	p, err := Predict(c, l)
	require.NoError(t, err)
	rules, _ := rulesOf(t, c, l, AlertOptions{Lead: 20 * time.Minute})
	r := rules["EtcdDatabaseNearQuota"]
	fires := r.Threshold/p.DB.Growth + (alertFor + alertDelay).Seconds()
	assert.InEpsilon(t, r.Limit/p.DB.Growth-fires, 20*60, 0.01)
	assert.InDelta(t, 20*60, r.Lead.Seconds(), 2)

	// Ten times the growth: twenty minutes before the quota the db is not yet half full; the lead shrinks, and a warning says so.
	rules, a := rulesOf(t, c, eventStorm(3000), AlertOptions{Lead: 20 * time.Minute})
	assert.Less(t, rules["EtcdDatabaseNearQuota"].Lead, 20*time.Minute)
	assert.ErrorContains(t, a.Warnings[0], "EtcdDatabaseNearQuota keeps a lead of")
}

// A single member sends no heartbeats; a disk that is too slow already has no threshold.
func TestAlertsLeftOut(t *testing.T) {
	rules, _ := rulesOf(t, Cluster{Members: 1}, eventStorm(50), AlertOptions{})
	assert.NotContains(t, rules, "EtcdHeartbeatsLate")
	rules, a := rulesOf(t, Cluster{Disks: []Disk{FixedDisk(800 * time.Millisecond)}}, eventStorm(50), AlertOptions{})
	assert.NotContains(t, rules, "EtcdFsyncSlow")
	assert.NotEmpty(t, a.Warnings)
	_, err := Alerts(Cluster{}, eventStorm(1), AlertOptions{Climb: -1})
	assert.EqualError(t, err, "etcdmodel: AlertOptions.Climb is -1ns, want >= 0")
	_, err = Alerts(Cluster{Members: -1}, eventStorm(1), AlertOptions{})
	assert.ErrorIs(t, err, ErrInput)
}

func TestBucketBounds(t *testing.T) {
	assert.Equal(t, time.Millisecond, boundAtMost(10*time.Microsecond))
	assert.Equal(t, 8*time.Millisecond, boundAtMost(15*time.Millisecond))
	assert.Equal(t, 16*time.Millisecond, boundAtMost(16*time.Millisecond))
	assert.Equal(t, 16*time.Millisecond, boundAbove(15*time.Millisecond))
	assert.Equal(t, 8192*time.Millisecond, boundAbove(time.Hour))
}
