package etcdmodel

import (
	"math"
	"time"
)

// Defrag is a defragmentation of one member. The member copies what is in use into a new file, and
// neither applies nor reads anything meanwhile; the others go on. Likely is the time on the test
// machine with the cluster's disk. Least and Most bound it on other machines and under load.
//
// All modelled versions copy alike. Each can be told to end its gRPC service meanwhile, so that
// clients with several endpoints turn to another member at once: --experimental-stop-grpc-service-
// on-defrag in 3.5, the feature gate StopGRPCServiceOnDefrag since 3.6, off by default.
type Defrag struct {
	Least, Likely, Most time.Duration
	// Writes sent to the member in the first Failing end in etcd's timeout (5 s + 2 election
	// timeouts), in the case of Most. Those sent later are answered late.
	Failing time.Duration
	Fsyncs  int // fsyncs of the db's disk
}

// Costs of a defragmentation. bbolt copies in transactions of 10,000 keys
// (server/storage/backend/backend.go, defragdb). The processor's and the file system's part was
// laid through 28 copies of 4 to 276 MB by 3.6.16 on the test machine's own disk: median error 22
// %. A FUSE file system takes 1.6 times as long. Published copies took 3.7 ns a byte (4.1 GB in 15
// s, etcd-io/etcd#20952), and one on a machine of ours 35 to 43 (516 MB in 18 to 22 s): fastest
// and slowest have both within.
const (
	defragLimit = 10_000
	defragFixed = 20 * time.Millisecond
	defragKey   = 2000 // ns a revision
	defragByte  = 14   // ns a byte

	fastest, slowest = 0.2, 5.0 // times these on other machines and under load
)

// newDefrag returns the defragmentation of so many revisions and bytes. Likely has the disk's mean
// fdatasync, Least its median if that is less, Most its 90th percentile if that is more.
func newDefrag(c Cluster, x tally) Defrag {
	d := Defrag{Fsyncs: defragFsyncs(x)}
	db := c.Disks[0].db()
	mean := meanOf(db.Fsync)
	took := func(fsync time.Duration, times float64) time.Duration {
		copying := float64(defragFixed) + defragKey*x.revisions + defragByte*x.bytes
		if x.bytes > 0 {
			copying = math.Max(copying, x.bytes*db.perByte())
		}
		return capped(float64(d.Fsyncs)*float64(fsync) + times*copying)
	}
	d.Least = took(min(mean, quantileOf(db.Fsync, 0.5)), fastest)
	d.Likely = took(mean, 1)
	d.Most = took(max(mean, quantileOf(db.Fsync, 0.9)), slowest)
	d.Failing = max(0, d.Most-max(0, c.requestTimeout()))
	return d
}

// defragFsyncs returns the fsyncs of a copy: the old file's last commit, the new file's first page,
// two a transaction, and one whenever the file grows, by doubling up to 16 MiB and by as much
// beyond (bbolt db.go, grow).
func defragFsyncs(x tally) int {
	const alloc, least, followed = 16 << 20, 32 << 10, 10_000
	transactions := math.Floor(x.revisions/defragLimit) + 1
	each := x.bytes / transactions
	grown, file := 0.0, float64(least)
	for i := range int(min(transactions, followed)) {
		size := each * float64(i+1)
		if size <= file {
			continue
		}
		grown++
		if size > alloc {
			file = size + alloc
			continue
		}
		for file < size {
			file *= 2
		}
	}
	if left := transactions - followed; left > 0 {
		grown += math.Min(left, left*each/alloc)
	}
	return count(3 + 2*transactions + grown)
}

// defrag returns the defragmentation of the db as it is in the steady state, or at the quota.
func (g *growth) defrag(c Cluster, d DB) Defrag {
	t := g.steady()
	if d.QuotaIn >= 0 {
		t = math.Min(t, d.QuotaIn.Seconds())
	}
	if math.IsInf(t, 1) {
		t = 0
	}
	live, written, n := g.begin.live(), g.written(t), g.compactions(t)
	x := tally{g.at(t), live.revisions + g.garbage.revisions + written.revisions}
	if n > 0 {
		x.revisions -= g.dead(g.next + (n-1)*g.every - g.keep).revisions
	}
	x.revisions = math.Max(0, x.revisions)
	return newDefrag(c, x)
}
