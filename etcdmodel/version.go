package etcdmodel

import (
	"cmp"
	"fmt"
	"strings"
)

// Version is a minor release of etcd. Zero means the newest modelled, [V3_7].
type Version int

// The releases that were measured: 3.5.35, 3.6.16 and 3.7.3.
const (
	V3_5 Version = iota + 1
	V3_6
	V3_7
)

// Modelled returns the releases that this package models, oldest first.
func Modelled() []Version { return []Version{V3_5, V3_6, V3_7} }

// String returns the release as people write it: "3.6". Zero is "newest".
func (v Version) String() string {
	switch v {
	case 0:
		return "newest"
	case V3_5:
		return "3.5"
	case V3_6:
		return "3.6"
	case V3_7:
		return "3.7"
	}
	return fmt.Sprintf("Version(%d)", int(v))
}

// ParseVersion reads "3.6", "v3.6" or a patch release such as "3.6.16".
func ParseVersion(s string) (Version, error) {
	for _, v := range Modelled() {
		rest, ok := strings.CutPrefix(strings.TrimPrefix(s, "v"), v.String())
		if ok && (rest == "" || rest[0] == '.') {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%w: Version is %q, want 3.5, 3.6 or 3.7", ErrInput, s)
}

// orDefault returns v, or the newest modelled release for zero.
func (v Version) orDefault() Version { return cmp.Or(v, V3_7) }

func (v Version) check(field string) error {
	if v < 0 || v > V3_7 {
		return bad(field, v, "V3_5, V3_6 or V3_7")
	}
	return nil
}

// Patch releases of 3.5 that compact or revoke in another way than the newest, by source
// (server/mvcc/kvstore_compaction.go, server/mvcc/backend/batch_tx.go).
const (
	// firstForced is the first in which a pending bbolt delete forces a commit (batch_tx.go:334,
	// etcd-io/etcd#17230). Before, a compaction's batch has one commit, and a revoked lease none.
	firstForced = 12
	// In these the pause between two batches of a compaction is a ticker's: none after a batch of
	// 10 ms or more (etcd-io/etcd#18514, #19406; a sleep again since v3.5.19). The apply loop still
	// gets the lock in between, for the few writes that wait: 25 batches on fsyncs of 10 ms took
	// 0.81 s on 3.5.17 and 1.15 s on 3.5.15, and 50 writes/s went on with p90 100 and 58 ms.
	firstTicker, lastTicker = 16, 18
)

// deletesForce reports whether a delete in the db forces a commit.
func (c Cluster) deletesForce() bool {
	return c.Version != V3_5 || c.Patch == 0 || c.Patch >= firstForced
}

// pause returns the time (ns) between two batches of a compaction, the first of which took so long.
func (c Cluster) pause(took float64) float64 {
	if c.Version == V3_5 && c.Patch >= firstTicker && c.Patch <= lastTicker {
		return max(lockRace, compactPause-took)
	}
	return compactPause
}

// snapshotCount returns the number of entries between two snapshots (server/etcdserver/server.go:
// DefaultSnapshotCount).
func (v Version) snapshotCount() int {
	if v == V3_5 {
		return 100_000
	}
	return 10_000
}
