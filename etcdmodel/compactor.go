package etcdmodel

import (
	"cmp"
	"fmt"
	"time"
)

// Compactor says who compacts the db. Zero is [KubeAPIServer]. It matters most at the quota:
// kube-apiserver cannot compact any more there, etcd itself can.
type Compactor int

// The compactors.
const (
	// KubeAPIServer compacts every CompactEvery. It first puts its key compact_rev_key in a
	// transaction, which fails under the NOSPACE alarm. Then it compacts nothing
	// (k8s.io/apiserver/pkg/storage/etcd3/compact.go; kubernetes/kubernetes#94029).
	KubeAPIServer Compactor = iota
	// EtcdItself is --auto-compaction-mode=periodic, or an operator's `etcdctl compact`. It puts
	// nothing, and goes on at the quota.
	EtcdItself
	// Nobody compacts: the db only grows.
	Nobody
	compactors
)

// String returns the compactor in words.
func (x Compactor) String() string {
	if x < 0 || x >= compactors {
		return fmt.Sprintf("Compactor(%d)", int(x))
	}
	return [...]string{"kube-apiserver", "etcd itself", "nobody"}[x]
}

// times fills in the defaults of [Cluster.CompactEvery] and [Cluster.CompactKeep].
//
// etcd's periodic mode keeps --auto-compaction-retention and compacts that often, but every hour
// at least (server/etcdserver/api/v3compactor/periodic.go, getCompactInterval).
func (x Compactor) times(every, keep time.Duration) (time.Duration, time.Duration) {
	if x == Nobody {
		return NoCompaction, cmp.Or(keep, 5*time.Minute)
	}
	if x == EtcdItself && every == 0 && keep > 0 {
		return min(keep, time.Hour), keep
	}
	return cmp.Or(every, 5*time.Minute), cmp.Or(keep, 5*time.Minute)
}

// compactCost is the quota check's cost of the put of compact_rev_key: 256 bytes, its name and a
// revision of ten digits.
const compactCost = int64(256 + len("compact_rev_key") + 10)

// pass is one pass of the compactor. It returns the time to which it compacts, and false if the
// compactor cannot write its key. After that, the next pass that gets through compacts to the
// revision that the compactor noted at its last one.
func (e *engine) pass() (to int64, ok bool) {
	now := e.clock()
	to = now - ns(e.c.CompactKeep)
	if e.c.Compactor == KubeAPIServer {
		if e.db.over(max(0, e.leader), compactCost, e.lastIndex()) || e.db.full() {
			return 0, false
		}
		to -= max(0, now-e.db.passed-ns(e.c.CompactEvery))
	}
	e.db.passed = now
	return to, true
}
