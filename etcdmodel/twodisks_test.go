package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// withDB returns a disk whose db file is on another.
func withDB(d, db Disk) Disk {
	d.DB = &db
	return d
}

// TestTheSameDiskTwice: a db on a disk like the WAL's gives the same answer as one on the WAL's
// own.
func TestTheSameDiskTwice(t *testing.T) {
	for name, answer := range answers {
		for _, d := range []Disk{SATASSD(), FixedDisk(10 * time.Millisecond), HDD7200()} {
			one := Cluster{Members: 1, Disks: []Disk{d}, Seed: 3}
			two := Cluster{Members: 1, Disks: []Disk{withDB(d, d)}, Seed: 3}
			assert.Equal(t, must(t, answer, one, open(200, 1024)), must(t, answer, two, open(200, 1024)), "%s, %s", name, d.Name)
		}
	}
}

// TestTwoDisks: the WAL's disk decides fdatasyncs and requests per fdatasync. The db's decides
// backend commits.
func TestTwoDisks(t *testing.T) {
	const slow, quick = 20 * time.Millisecond, time.Millisecond
	for name, answer := range answers {
		ask := func(wal, db time.Duration) Prediction {
			return must(t, answer, Cluster{Members: 1, Disks: []Disk{withDB(FixedDisk(wal), FixedDisk(db))}}, open(200, 1024))
		}
		both, wal, db, none := ask(slow, slow), ask(slow, quick), ask(quick, slow), ask(quick, quick)
		assert.InEpsilon(t, slow.Seconds(), wal.Fsync.Mean.Seconds(), 0.02, name)
		assert.InEpsilon(t, quick.Seconds(), db.Fsync.Mean.Seconds(), 0.1, name)
		assert.Less(t, wal.BackendCommit.Mean, 5*time.Millisecond, name)
		assert.InEpsilon(t, 2*slow.Seconds(), db.BackendCommit.Mean.Seconds(), 0.1, name)
		assert.Less(t, db.OpsPerFsync, wal.OpsPerFsync, name)
		assert.Less(t, none.Commit.P99, db.Commit.P99, "%s: a commit holds up who comes meanwhile", name)
		assert.Less(t, db.Commit.P50, wal.Commit.P50, "%s: but most come between two", name)
		assert.Less(t, wal.Commit.P99, both.Commit.P99, name)
		assert.Equal(t, both.Defrag, db.Defrag, "%s: a defragmentation writes the db", name)
	}
}
