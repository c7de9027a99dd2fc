package etcdmodel

import (
	"cmp"
	"fmt"
	"time"
)

// NoCompaction is the [Cluster.CompactEvery] of an etcd that nobody compacts.
const NoCompaction time.Duration = -1

// Cluster is the etcd that the load meets. Its zero value is a stock etcd 3.7 of three members
// on [NVMe], compacted by kube-apiserver every five minutes.
type Cluster struct {
	Version Version // zero means the newest modelled
	Members int     // zero means 3
	Disks   []Disk  // none: NVMe; one: of every member; else one a member, the leader's first

	RTT       time.Duration // round trip between members; zero means 200 us
	Network   float64       // bytes/s that the leader can send; bounds Sustainable only; zero means no bound
	Heartbeat time.Duration // --heartbeat-interval; zero means 100 ms
	Election  time.Duration // --election-timeout; zero means 1 s

	Quota         int64         // --quota-backend-bytes; zero means State.Quota, or 2 GiB
	BatchInterval time.Duration // --backend-batch-interval; zero means 100 ms
	BatchLimit    int           // --backend-batch-limit; zero means 10,000 operations
	SnapshotCount int           // --snapshot-count; zero means the version's: 100,000 in 3.5, 10,000 since

	// CompactEvery is the time between two compactions and CompactKeep the age of the
	// revision they compact to. Zero means kube-apiserver's: five minutes, and what is
	// five minutes old. [NoCompaction] means that nothing compacts.
	CompactEvery, CompactKeep time.Duration

	// State is the database at the start, of the member with the largest file; zero is an empty one.
	// DB is the size of the file alone, as `etcdctl endpoint status` prints it: State.Total, with
	// the rest estimated and a Warning. Give one of both.
	State State
	DB    int64

	CPU  CPU // zero means what was measured on the two-core test machine
	Seed uint64
}

// CPU is the processor time of one request at the places where requests queue one
// behind the other. Zero fields mean the values measured on the test machine
// (2 cores, client and server in one process), see [DefaultCPU].
type CPU struct {
	// client, gRPC and proposal: the reciprocal is the most a member takes in; 1 us at least
	Accept, AcceptPerKiB time.Duration
	Turn                 time.Duration // the raft loop: one turn that saves, beside its fdatasync
	Append, AppendPerKiB time.Duration // the raft loop: encoding one entry
	Apply, ApplyPerKiB   time.Duration // the apply loop: one put into the tree and the page cache
	CommitPerKiB         time.Duration // a backend commit: writing one KiB of dirty pages
	Answer               time.Duration // wake-ups on the way back; no queue
}

// WithDefaults returns the cluster with every zero field replaced by its default, and with one
// disk for each member. A cluster that does not pass [Cluster.Check] keeps what is wrong with it.
func (c Cluster) WithDefaults() Cluster {
	c.Version = cmp.Or(c.Version, c.State.Version).orDefault()
	c.Members = cmp.Or(c.Members, 3)
	c.RTT = cmp.Or(c.RTT, 200*time.Microsecond)
	c.Heartbeat = cmp.Or(c.Heartbeat, 100*time.Millisecond)
	c.Election = cmp.Or(c.Election, time.Second)
	c.Quota = cmp.Or(c.Quota, c.State.Quota, 2<<30)
	c.BatchInterval = cmp.Or(c.BatchInterval, 100*time.Millisecond)
	c.BatchLimit = cmp.Or(c.BatchLimit, 10_000)
	c.SnapshotCount = cmp.Or(c.SnapshotCount, c.Version.snapshotCount())
	c.CompactEvery = cmp.Or(c.CompactEvery, 5*time.Minute)
	c.CompactKeep = cmp.Or(c.CompactKeep, 5*time.Minute)
	c.CPU = c.CPU.orDefault()
	disks := make([]Disk, min(max(c.Members, 0), maxMembers))
	for i := range disks {
		disks[i] = c.disk(i).orDefault()
	}
	c.Disks = disks
	return c
}

func (c Cluster) disk(member int) Disk {
	switch len(c.Disks) {
	case 0:
		return NVMe()
	case 1:
		return c.Disks[0]
	}
	return c.Disks[min(member, len(c.Disks)-1)]
}

// Check returns an error that names the first invalid field.
func (c Cluster) Check() error {
	if err := c.Version.check("Cluster.Version"); err != nil {
		return err
	}
	if err := checkAll("Cluster", clusterLimits, &c); err != nil {
		return err
	}
	if n := len(c.Disks); n > 1 && n != cmp.Or(c.Members, 3) {
		return bad("len(Cluster.Disks)", n, fmt.Sprintf("0, 1 or Members (%d)", cmp.Or(c.Members, 3)))
	}
	for i, d := range c.Disks {
		if err := d.Check(fmt.Sprintf("Cluster.Disks[%d]", i)); err != nil {
			return err
		}
	}
	if err := checkAll("Cluster.CPU", cpuLimits, &c.CPU); err != nil {
		return err
	}
	if err := c.checkState(); err != nil {
		return err
	}
	return c.checkElection()
}

func (c Cluster) checkElection() error {
	heartbeat, election := cmp.Or(c.Heartbeat, 100*time.Millisecond), cmp.Or(c.Election, time.Second)
	// server/embed/config.go, Validate: "--election-timeout should be at least as 5 times as
	// --heartbeat-interval"
	if election < 5*heartbeat {
		return bad("Cluster.Election", election, fmt.Sprintf(">= 5 x Heartbeat (%v), as etcd itself asks", heartbeat))
	}
	return nil
}

// quorum returns the number of members that must have an entry on disk.
func (c Cluster) quorum() int { return c.Members/2 + 1 }

// requestTimeout returns etcd's own limit on a proposal (server/config/config.go, ReqTimeout): 5 s
// and two election timeouts.
func (c Cluster) requestTimeout() time.Duration { return 5*time.Second + 2*c.Election }
