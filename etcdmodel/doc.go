// Package etcdmodel answers: what does a write load do to etcd and its disk?
//
// Ask it with a [Cluster] (version, members, a [Disk] each) and a [Load] (streams of
// requests with a rate, or clients that wait for each other):
//
//	p, err := etcdmodel.Predict(
//		etcdmodel.Cluster{Members: 3, Disks: []etcdmodel.Disk{etcdmodel.HDD7200()}},
//		etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 60, Value: 525}, Rate: 100}}},
//	)
//
// and read commit latency (p50 to p99.9), fdatasyncs, WAL and db bytes, what binds, when the
// quota is reached, how long a compaction and a defragmentation take, heartbeats missed and elections.
//
// [Predict] simulates; [Estimate] answers at once from closed forms. A [Server] is the same
// simulation to be stepped by a caller in virtual time, with disks that change under way.
// [Op.WALBytes] and [Op.DBBytes] are exact byte counts.
//
// But for [Calibrate], which times a real disk, nothing here reads a clock or a global source of chance: the same input gives the same answer.
package etcdmodel
