package etcdmodel

import (
	"fmt"
)

// State is the database of one member at one moment. Sizes are bytes. A zero field is not known.
//
// In a [Cluster] it is where the db starts. Free pages (Total - InUse) are used again before the
// file grows. The age of the revision last compacted to, which follows from [State.History] and
// the load, tells when the next compaction comes. What is not known is estimated:
//
//   - InUse alone: the file has no free page. Total alone: the file is at its plateau, just before
//     a compaction, and so all of it is in use.
//   - Revision or Compacted not known: half of the interval has passed since the last compaction.
//   - Keys not known: the keys that the load's streams update live already, as does what it lets
//     expire. The rest of InUse that is no history is keys as large as those that the load creates.
type State struct {
	Member  string  // as the page names it: its instance or pod label; empty where it has none
	Version Version // zero where the page does not say

	Total int64 // the db file (etcd_mvcc_db_total_size_in_bytes); only a defragmentation shrinks it
	InUse int64 // the pages in use within it (etcd_mvcc_db_total_size_in_use_in_bytes)
	Quota int64 // --quota-backend-bytes (etcd_server_quota_backend_bytes)

	Keys      int   // live keys (etcd_debugging_mvcc_keys_total)
	Revision  int64 // the newest revision (etcd_debugging_mvcc_current_revision)
	Compacted int64 // the revision last compacted to (etcd_debugging_mvcc_compact_revision); -1: never
}

// History returns the number of revisions that the next compactions can still free: those
// written since the last one.
func (s State) History() int64 { return max(0, s.Revision-max(0, s.Compacted)) }

// Check returns an error that names the first field that contradicts itself or another. field
// names the state in the error.
func (s State) Check(field string) error {
	if err := s.Version.check(field + ".Version"); err != nil {
		return err
	}
	if err := checkAll(field, stateLimits, &s); err != nil {
		return err
	}
	if s.Total > 0 && s.InUse > s.Total {
		return bad(field+".InUse", s.InUse, fmt.Sprintf("<= Total (%d)", s.Total))
	}
	if s.Revision > 0 && s.Compacted > s.Revision {
		return bad(field+".Compacted", s.Compacted, fmt.Sprintf("<= Revision (%d)", s.Revision))
	}
	return nil
}

// checkState returns an error for a start that is contradictory or said twice.
func (c Cluster) checkState() error {
	if c.DB > 0 && c.State != (State{}) {
		return bad("Cluster.DB", c.DB, "0 beside Cluster.State, whose Total it is")
	}
	return c.State.Check("Cluster.State")
}
