package main

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// incident returns the options without any flag.
func incident() options {
	return options{
		nodes: 100, pods: 3000, churn: 0.2, events: 45, ttl: time.Hour, version: "3.5", members: 3, quota: 2048,
		disk: "hdd", compaction: 5 * time.Minute,
	}
}

// The three questions are answered, the same way each time, and nothing is written without -o.
func TestAnswers(t *testing.T) {
	var first, second bytes.Buffer
	require.NoError(t, run(context.Background(), &first, incident()))
	require.NoError(t, run(context.Background(), &second, incident()))
	assert.Equal(t, first.String(), second.String())
	for _, want := range []string{
		"Will it hold?  It does not hold: 56 writes/s are offered", "leader elections an hour",
		"When is the db full?  Never: it levels off at",
		"Which knob helps most?", "For latency: etcd on NVMe", "For the db: event TTL of 15 min",
	} {
		assert.Contains(t, first.String(), want)
	}
}

// A disk on which writes time out does not hold them, and nothing answered is no latency of zero.
func TestSlowDisksDoNotHold(t *testing.T) {
	for disk, because := range map[string]string{"2s": "the p99 of writes is", "7450ms": "0 writes were answered"} {
		o := incident()
		o.disk = disk
		var b bytes.Buffer
		require.NoError(t, run(context.Background(), &b, o))
		assert.Contains(t, b.String(), "It does not hold: 56 writes/s are offered", disk)
		assert.Contains(t, b.String(), "writes/s time out", disk)
		assert.Contains(t, b.String(), because, disk)
		assert.NotContains(t, b.String(), " 0s", disk)
	}
}

// Interrupted, it ends with the context's error.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, run(ctx, &bytes.Buffer{}, incident()), context.Canceled)
}

// Events that are new all the time and live for an hour fill the quota. The plots and rules are
// written where asked.
func TestFullAndWritten(t *testing.T) {
	o := incident()
	o.events, o.disk, o.out = 900, "nvme", t.TempDir()+"/out"
	var b bytes.Buffer
	require.NoError(t, run(context.Background(), &b, o))
	assert.Contains(t, b.String(), "When is the db full?  In ")
	assert.Contains(t, b.String(), "defragment every member")
	for _, name := range []string{
		"etcd-latency.svg", "etcd-latency.png", "etcd-size.svg", "etcd-size.png", "etcd-alerts.yaml",
		"etcd-rules.yaml", "etcd-dashboard.json",
	} {
		info, err := os.Stat(o.out + "/" + name)
		require.NoError(t, err)
		assert.Greater(t, info.Size(), int64(500), name)
	}
}

func TestBadFlags(t *testing.T) {
	for want, change := range map[string]func(*options){
		`-disk is "floppy"`:               func(o *options) { o.disk = "floppy" },
		"-events is -1, want >= 0":        func(o *options) { o.events = -1 },
		`Version is "2.3"`:                func(o *options) { o.version = "2.3" },
		"Cluster.Members is -3":           func(o *options) { o.members = -3 },
		"nothing is written":              func(o *options) { o.nodes, o.pods, o.events = 0, 0, 0 },
		"no such file":                    func(o *options) { o.metrics = "none" },
		"-metrics and -calibrate are two": func(o *options) { o.metrics, o.calibrate = "a", "b" },
	} {
		o := incident()
		change(&o)
		assert.ErrorContains(t, run(context.Background(), &bytes.Buffer{}, o), want)
	}
}
