// Package etcdmodel answers: what does a write load do to etcd and its disk?
//
// Ask it with a [Cluster] (version, members, a [Disk] each) and a [Load] (streams of requests with
// a rate, or clients that wait for each other):
//
//	update := etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 60, Value: 525}
//	p, err := etcdmodel.Predict(
//		etcdmodel.Cluster{Members: 3, Disks: []etcdmodel.Disk{etcdmodel.HDD7200()}},
//		etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: update, Rate: 100}}},
//	)
//
// The answer has the commit latency (p50 to p99.9), fdatasyncs, WAL and db bytes, and what binds.
// It has the time to the quota and the durations of a compaction and a defragmentation. It
// counts heartbeats missed and elections. It has the memory of a member, what its watchers are
// sent, and the time that it takes to come back.
//
// The processor is the test machine's unless [CPUOfCores] or [CPUFromBenchmark] gives another.
//
// [Predict] simulates; [Estimate] answers at once from closed forms. A [Server] is the same
// simulation, stepped by a caller in virtual time, with disks that change under way. [Op.WALBytes]
// and [Op.DBBytes] are exact byte counts.
//
// [Calibrate] times a real disk. Nothing else here reads a clock or a global source of chance: the
// same input gives the same answer.
package etcdmodel
