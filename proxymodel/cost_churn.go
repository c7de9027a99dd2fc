package proxymodel

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Churn describes the rate of changes to services, and how soon kube-proxy follows them.
type Churn struct {
	// Changes counts the EndpointSlice and Service updates per second that reach the node. They
	// arrive at random (Poisson).
	Changes float64

	// Fulls counts the full syncs per second that topology labels, failed restores and flushed
	// tables force.
	Fulls float64

	// Nodes counts the nodes that watch, for [Prediction.FanOut]. Zero means 1.
	Nodes int

	// MinSyncPeriod is kube-proxy's minimum between syncs. Zero means the mode's default: 1 s for
	// iptables and nftables, none for ipvs. [NoMinSyncPeriod] asks for none.
	MinSyncPeriod time.Duration

	// SyncPeriod is kube-proxy's period of clean-ups. Zero means 30 s.
	SyncPeriod time.Duration
}

// NoMinSyncPeriod is the [Churn.MinSyncPeriod] of a kube-proxy that syncs as fast as it can.
const NoMinSyncPeriod time.Duration = -1

// defaultSyncPeriod is kube-proxy's (pkg/proxy/apis/config/v1alpha1/defaults.go).
const defaultSyncPeriod = 30 * time.Second

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

// withDefaults replaces zeros by kube-proxy's defaults
// (pkg/proxy/apis/config/v1alpha1/defaults.go:65,77).
func (c Churn) withDefaults(m Mode) Churn {
	switch {
	case c.MinSyncPeriod == NoMinSyncPeriod:
		c.MinSyncPeriod = 0
	case c.MinSyncPeriod == 0 && m != IPVS:
		c.MinSyncPeriod = time.Second
	}
	c.SyncPeriod = cmp.Or(c.SyncPeriod, defaultSyncPeriod)
	c.Nodes = max(c.Nodes, 1)
	return c
}
