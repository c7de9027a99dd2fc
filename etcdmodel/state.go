package etcdmodel

// State is the database of one member at one moment. Sizes are bytes. A zero field is not known.
type State struct {
	Member  string  // as the page names it: its instance or pod label; empty where it has none
	Version Version // zero where the page does not say

	Total int64 // the db file (etcd_mvcc_db_total_size_in_bytes); only a defragmentation shrinks it
	InUse int64 // the pages in use within it (etcd_mvcc_db_total_size_in_use_in_bytes)
	Quota int64 // --quota-backend-bytes (etcd_server_quota_backend_bytes)

	Keys      int   // live keys (etcd_debugging_mvcc_keys_total)
	Revision  int64 // the newest revision (etcd_debugging_mvcc_current_revision)
	Compacted int64 // the revision last compacted to (etcd_debugging_mvcc_compact_revision)
}

// History returns the number of revisions that the next compactions can still free: those
// written since the last one.
func (s State) History() int64 { return max(0, max(0, s.Revision)-max(0, s.Compacted)) }
