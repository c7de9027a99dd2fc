package main

import (
	"context"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// A knob is one change and what it brings.
type knob struct {
	name       string
	cluster    etcdmodel.Cluster
	load       etcdmodel.Load
	prediction etcdmodel.Prediction
}

// knobs predicts the usual changes, one at a time.
func (o options) knobs(ctx context.Context, now etcdmodel.Cluster, p etcdmodel.Prediction) ([]knob, error) {
	var knobs []knob
	var failed error
	try := func(name string, change func(*etcdmodel.Cluster, *options)) {
		c, changed := now, o
		change(&c, &changed)
		l, err := changed.load()
		if err != nil {
			return // nothing is left to write
		}
		prediction, err := etcdmodel.PredictContext(ctx, c, l)
		if err != nil {
			failed = err
			return
		}
		knobs = append(knobs, knob{name, c, l, prediction})
	}
	if p.Fsync.P50 > etcdmodel.NVMe().FsyncQuantile(0.5) {
		try("etcd on NVMe", func(c *etcdmodel.Cluster, _ *options) { c.Disks = []etcdmodel.Disk{etcdmodel.NVMe()} })
	}
	try("half the events", func(_ *etcdmodel.Cluster, o *options) { o.events /= 2 })
	try("event TTL of 15 min", func(_ *etcdmodel.Cluster, o *options) { o.ttl = min(o.ttl, 15*time.Minute) })
	try("quota of 8 GiB", func(c *etcdmodel.Cluster, _ *options) { c.Quota = max(c.Quota, 8<<30) })
	try("compaction every minute", func(c *etcdmodel.Cluster, _ *options) {
		c.CompactEvery, c.CompactKeep = time.Minute, time.Minute
	})
	if now.Version == etcdmodel.V3_5 {
		try("etcd 3.6", func(c *etcdmodel.Cluster, _ *options) { c.Version = etcdmodel.V3_6 })
	}
	try("backend batch of 1 s", func(c *etcdmodel.Cluster, _ *options) { c.BatchInterval = time.Second })
	return knobs, failed
}

// best returns the knob with the highest value, the first of several.
func best(knobs []knob, value func(knob) float64) *knob {
	var found *knob
	for i := range knobs {
		if found == nil || value(knobs[i]) > value(*found) {
			found = &knobs[i]
		}
	}
	return found
}
