package etcdmodel

import (
	"math"
	"time"
)

// Recovery is the time that a member takes to come back, with the db and the log at their size at
// the end of the load's growth (see [Memory]).
type Recovery struct {
	Restart time.Duration // from the start of the process until it serves: db, index, WAL
	// LogLasts is the longest absence of which the leader still has the entries in memory. A member
	// that was away for longer is sent the whole db. Zero where nothing is written.
	LogLasts        time.Duration
	CatchUpLog      time.Duration // after an absence of LogLasts: to apply what was missed, once it serves
	CatchUpSnapshot time.Duration // after a longer one: to be sent the db, to load it and to follow the log
	// Restore is the time to write the db file from a snapshot (`etcdutl snapshot restore`) and to
	// start. It was not measured: a byte is assumed to take as long as one sent to a follower.
	Restore time.Duration
}

// Times of recovery on the test machine, on 3.6.16 (validation/RESULTS/etcdmodel.md).
const (
	startTime   = 150e6 // ns: an empty etcd, until it serves
	indexTime   = 9e3   // ns to read a revision and to put its key into the index
	pageTime    = 0.5   // ns a byte of db that is read into memory (MAP_POPULATE)
	replayTime  = 6e3   // ns to read an entry of the WAL, beside its bytes
	replayByte  = 3     // ns a byte of the WAL
	snapByte    = 18    // ns a byte of a db that is sent to a follower: read, sent, checked, written
	alone       = 0.5   // share of Append and Apply that remains where no client is served meanwhile
	mostRestart = 30 * 24 * time.Hour
)

// recovery returns the times of a member with so many revisions in a db of so many bytes.
func (c Cluster) recovery(l *Load, m *mix, revisions, pages float64) Recovery {
	slow := float64(c.CPU.Apply) / float64(DefaultCPU().Apply)
	disk := newDiskMean(c, 0)
	load := slow * (revisions*indexTime + pages*pageTime)
	replay := 0.0
	if m.rate > 0 {
		replay = slow * float64(c.SnapshotCount) * (replayTime + m.wal*replayByte)
	}
	elect := 0.0
	if c.Members == 1 { // it does not campaign while it has entries to apply, and then waits for its timeout
		elect = float64(c.Election)
	}
	file := pages * (slow*snapByte + disk.dbPerByte)
	out := Recovery{
		Restart: atMost(startTime*slow + load + replay + elect),
		Restore: atMost(file + startTime*slow + load),
	}
	if m.rate == 0 || c.Members == 1 {
		return out
	}
	missed := c.logEntries()
	out.LogLasts = atMost(missed / m.rate * 1e9)
	out.CatchUpLog = c.follow(m, disk, missed, 0)
	sent := file + c.sending(pages) + load
	out.CatchUpSnapshot = c.follow(m, disk, m.rate*sent/1e9, sent)
	return out
}

// follow returns the time until a member has applied so many entries, and those that come
// meanwhile, after a time of other work (ns).
func (c Cluster) follow(m *mix, d diskMean, entries, after float64) time.Duration {
	perMessage := math.Max(1, math.Floor(maxCommitted/m.wal))
	each := alone*(m.append+m.apply) + d.perByte*m.wal + c.sending(m.wal) + (d.fsync+m.gate)/perMessage
	free := 1 - m.rate*each/1e9
	if free <= 0 { // it never catches up
		return mostRestart
	}
	return atMost(after + entries*each/free)
}

// atMost converts ns and caps.
func atMost(ns float64) time.Duration { return time.Duration(math.Min(ns, float64(mostRestart))) }
