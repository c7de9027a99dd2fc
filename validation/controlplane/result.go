package controlplane

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redline-go/redline/validation/internal/lost"
)

// Result is the record of a run. Times count from the moment when the cluster was ready; earlier
// ones are negative.
type Result struct {
	Scenario    Scenario
	Setup       time.Duration // from nothing to a ready cluster
	SetupAlone  time.Duration // what that would have been on a machine of one's own
	Scheduling  time.Duration // when kube-scheduler began, its last start: negative if before the scenario
	AllWrites   []Write
	AllRequests []Request
	AllAttempts []time.Duration
	Samples     []Sample // every second
	Log         []Entry

	lost   lost.Time
	zero   time.Time // the scenario's beginning
	others float64   // share of the processors that other processes had during the scenario
}

// Sample is the cluster at a time, as etcd has it.
type Sample struct {
	At                              time.Duration
	NotReady, Tainted               int // nodes
	Replicas, Pending, Bound, Ready int // pods of the workload
	Terminating                     int
	Writes                          int // to etcd since the process started
	// of the first etcd member, cumulative; no fsyncs but with SlowDisk or three members
	Proposals, Fsyncs, FailedProposals, LeaderChanges float64
	FsyncSeconds                                      float64
	DBBytes                                           float64
}

// sample takes one every second until the context ends.
func (c *Cluster) sample(ctx context.Context) {
	for i := 0; ; i++ {
		if !sleep(ctx, time.Until(c.clock.time(time.Duration(i)*time.Second))) {
			return
		}
		s, m := c.writes.state(), c.etcd.metrics()
		if m == nil {
			continue // it did not answer in time: the sample before holds on
		}
		at := c.clock.now() // now: what is counted after a disk has been changed must not be in a sample from before
		c.mu.Lock()
		c.samples = append(c.samples, Sample{At: at, NotReady: s.notReady, Tainted: s.tainted,
			Replicas: s.replicas, Pending: s.pending, Bound: s.bound, Ready: s.ready, Terminating: s.terminating,
			Writes:    s.total,
			Proposals: m["etcd_server_proposals_committed_total"], FailedProposals: m["etcd_server_proposals_failed_total"],
			LeaderChanges: m["etcd_server_leader_changes_seen_total"], Fsyncs: m["etcd_disk_wal_fsync_duration_seconds_count"],
			FsyncSeconds: m["etcd_disk_wal_fsync_duration_seconds_sum"], DBBytes: m["etcd_mvcc_db_total_size_in_bytes"]})
		c.mu.Unlock()
	}
}

func (c *Cluster) result(setup time.Duration) *Result {
	c.writes.mu.Lock()
	defer c.writes.mu.Unlock()
	c.requests.mu.Lock()
	defer c.requests.mu.Unlock()
	c.attempts.mu.Lock()
	defer c.attempts.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &Result{Scenario: c.scenario, Setup: setup, Scheduling: c.clock.at(time.Unix(0, c.scheduling.Load())),
		AllWrites: slices.Clone(c.writes.all), AllRequests: slices.Clone(c.requests.all),
		AllAttempts: slices.Clone(c.attempts.at), Samples: slices.Clone(c.samples), Log: slices.Clone(c.entries),
		lost: c.watch.Time(), zero: c.clock.time(0), others: lost.ReadProcessor().OthersSince(c.processor)}
	r.countFrom(c.clock.begin())
	return r
}

// countFrom makes all times count from zero.
func (r *Result) countFrom(zero time.Duration) {
	r.Scheduling -= zero
	for i := range r.AllWrites {
		r.AllWrites[i].At -= zero
	}
	for i := range r.AllRequests {
		r.AllRequests[i].At -= zero
	}
	for i := range r.AllAttempts {
		r.AllAttempts[i] -= zero
	}
	for i := range r.Samples {
		r.Samples[i].At -= zero
	}
	for i := range r.Log {
		r.Log[i].At -= zero
	}
}

// Writes counts the writes in [from, to) by resource/verb, and by resource/verb/what
// where they are told apart.
func (r *Result) Writes(from, to time.Duration) map[string]int {
	n := map[string]int{}
	for _, w := range r.AllWrites {
		if w.At >= from && w.At < to {
			key := w.Resource + "/" + w.Verb
			n[key]++
			if w.What != "" {
				n[key+"/"+w.What]++
			}
		}
	}
	return n
}

// Bytes sums the stored values of the writes in [from, to) by the same keys.
func (r *Result) Bytes(from, to time.Duration) map[string]int {
	n := map[string]int{}
	for _, w := range r.AllWrites {
		if w.At >= from && w.At < to {
			key := w.Resource + "/" + w.Verb
			n[key] += w.Bytes
			if w.What != "" {
				n[key+"/"+w.What] += w.Bytes
			}
		}
	}
	return n
}

// Attempts counts the scheduling attempts that began in [from, to).
func (r *Result) Attempts(from, to time.Duration) int {
	n := 0
	for _, at := range r.AllAttempts {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

// Latency returns a quantile of the time that requests sent in [from, to) took, and their number.
// "" for a client, verb or resource is any.
func (r *Result) Latency(from, to time.Duration, q float64, client, verb, resource string) (time.Duration, int) {
	var took []time.Duration
	for _, x := range r.AllRequests {
		if x.At >= from && x.At < to && (client == "" || client == x.Client) && (verb == "" ||
			verb == x.Verb) && (resource == "" || resource == x.Resource) {
			took = append(took, x.Took)
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[min(int(q*float64(len(took))), len(took)-1)], len(took)
}

// Requests counts requests sent in [from, to) by client, verb, resource and code.
func (r *Result) Requests(from, to time.Duration) map[string]int {
	n := map[string]int{}
	for _, x := range r.AllRequests {
		if x.At >= from && x.At < to {
			n[strings.Join([]string{x.Client, x.Verb, x.Resource, x.Code}, " ")]++
		}
	}
	return n
}

// At returns the last sample that had been taken at a time.
func (r *Result) At(t time.Duration) Sample {
	var last Sample
	for _, s := range r.Samples {
		if s.At <= t {
			last = s
		}
	}
	return last
}

// Lost returns how much of the time between two times this process was not let run, and with it no
// component.
func (r *Result) Lost(from, to time.Duration) time.Duration {
	return r.lost.Between(r.zero.Add(from), r.zero.Add(to))
}

// Undone returns the share of the work between two times that would have been done besides, had
// the machine not been elsewhere: in the gaps in which this process did not run, and while others
// had its processors. On a machine of one's own it is zero.
func (r *Result) Undone(from, to time.Duration) float64 {
	gone := r.Lost(from, to).Seconds() / (to - from).Seconds()
	return gone/max(1-gone, 0.5) + lost.Stretch(max(0, r.others-kernels))
}

// kernels is the share of the processors that the kernel's own threads have, at the most.
const kernels = 0.05

// Change is a change of a condition.
type Change struct {
	At time.Duration
	To bool
}

// Ready returns the changes of a node's Ready condition during the scenario. Nodes are called
// node-w-000 and so on.
func (r *Result) Ready(node string) (changes []Change) {
	for _, w := range r.AllWrites {
		if w.At >= 0 && w.Resource == "nodes" && w.Name == node && (w.What == "ready" || w.What == "notready") {
			changes = append(changes, Change{w.At, w.What == "ready"})
		}
	}
	return changes
}

// When returns the time of the n-th write of a key of Writes, counted from `from`, or -1.
func (r *Result) When(from time.Duration, key string, n int) time.Duration {
	for _, w := range r.AllWrites {
		if w.At < from || w.Resource+"/"+w.Verb != key && w.Resource+"/"+w.Verb+"/"+w.What != key {
			continue
		}
		if n--; n == 0 {
			return w.At
		}
	}
	return -1
}

// Table prints the writes of [from, to).
func (r *Result) Table(from, to time.Duration) string {
	var b strings.Builder
	n := r.Writes(from, to)
	for _, key := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(&b, "%-50s %6d\n", key, n[key])
	}
	fmt.Fprintf(&b, "%-50s %6d\n", "attempts", r.Attempts(from, to))
	return b.String()
}
