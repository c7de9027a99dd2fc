package proxymodel

import (
	"fmt"
	"math"
	"time"
)

// Churn is what changes, and how kube-proxy is told to follow.
type Churn struct {
	Changes float64 // EndpointSlice and Service updates per second that reach the node; they arrive at random (Poisson)
	Fulls   float64 // full syncs per second forced by topology labels, failed restores, flushed tables

	// Nodes is how many nodes watch: for [Prediction.FanOut]. Zero means 1.
	Nodes int

	// MinSyncPeriod is kube-proxy's minimum between syncs. Zero means the
	// mode's default: 1 s for iptables and nftables, none for ipvs.
	// NoMinSyncPeriod asks for none.
	MinSyncPeriod time.Duration

	// SyncPeriod is kube-proxy's period of clean-ups. Zero means 30 s.
	SyncPeriod time.Duration
}

// NoMinSyncPeriod is the [Churn.MinSyncPeriod] of a kube-proxy that syncs as
// fast as it can.
const NoMinSyncPeriod time.Duration = -1

func (c Churn) check() error {
	switch {
	case !(c.Changes >= 0) || math.IsInf(c.Changes, 0):
		return fmt.Errorf("proxymodel: Churn.Changes is %v, want >= 0 and finite", c.Changes)
	case !(c.Fulls >= 0) || math.IsInf(c.Fulls, 0):
		return fmt.Errorf("proxymodel: Churn.Fulls is %v, want >= 0 and finite", c.Fulls)
	case c.Nodes < 0:
		return fmt.Errorf("proxymodel: Churn.Nodes is %d, want >= 0", c.Nodes)
	case c.MinSyncPeriod < 0 && c.MinSyncPeriod != NoMinSyncPeriod:
		return fmt.Errorf("proxymodel: Churn.MinSyncPeriod is %v, want >= 0 or NoMinSyncPeriod", c.MinSyncPeriod)
	case c.SyncPeriod < 0:
		return fmt.Errorf("proxymodel: Churn.SyncPeriod is %v, want >= 0", c.SyncPeriod)
	}
	return nil
}

// withDefaults replaces zeros by what kube-proxy uses
// (pkg/proxy/apis/config/v1alpha1/defaults.go:65,77).
func (c Churn) withDefaults(m Mode) Churn {
	switch {
	case c.MinSyncPeriod == NoMinSyncPeriod:
		c.MinSyncPeriod = 0
	case c.MinSyncPeriod == 0 && m != IPVS:
		c.MinSyncPeriod = time.Second
	}
	if c.SyncPeriod == 0 {
		c.SyncPeriod = 30 * time.Second
	}
	c.Nodes = max(c.Nodes, 1)
	return c
}
