package proxymodel

import "time"

// Sync holds the cost of one sync. The durations are those of a node with an idle processor. Their
// sum, without Background, is the time that the sync takes.
type Sync struct {
	User       time.Duration // kube-proxy's own work: maps, text, netlink listings
	Exec       time.Duration // starting iptables, nft and ipset processes
	Restore    time.Duration // those processes reading, diffing and building tables
	Kernel     time.Duration // the kernel copying, checking and committing
	Wait       time.Duration // nobody computing: the kernel's grace period after a commit
	Background time.Duration // kube-proxy's garbage collection on another core meanwhile
}

// Duration returns the time that the sync takes.
func (s Sync) Duration() time.Duration {
	return s.User + s.Exec + s.Restore + s.Kernel + s.Wait
}

// CPU returns the processor time that the sync uses.
func (s Sync) CPU() time.Duration {
	return s.User + s.Exec + s.Restore + s.Kernel + s.Background
}

// Staleness measures the time from a change's arrival at the node to the end of the sync that
// writes it.
type Staleness struct {
	Mean, P99, Max time.Duration
}

// FirstPacket holds the time that kube-proxy's rules add to the first packet of a connection. The
// packets after it follow the connection table.
type FirstPacket struct {
	First time.Duration // to the service whose rule comes first
	Mean  time.Duration // to a service at random
	Last  time.Duration // to the service whose rule comes last
	Miss  time.Duration // to an address that is no service: a pod, the internet
}

// Prediction holds what kube-proxy costs a node.
type Prediction struct {
	First Sync // into an empty kernel: a node's first, or after a reboot
	Full  Sync // everything rewritten: a restart, a topology change, a failed restore

	// Partial is the sync that follows a change, with Changed services in it. In ipvs mode, and in
	// nftables mode of v1.29, it is a full one.
	Partial Sync

	Changed   float64       // services in one such sync, changes coalesced
	Period    time.Duration // mean time from sync to sync under the churn
	Staleness Staleness
	CPUShare  float64 // of the node's processors, all of them being 1

	FirstPacket FirstPacket
	Memory      Memory
	FanOut      float64 // bytes/s of EndpointSlice updates that the API server sends to all nodes

	Warnings []error // the range or the knowledge that the answer leaves
}
