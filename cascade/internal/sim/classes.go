package sim

import (
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// class says which kind of etcd operation a proposal is: an index into [classes].
type class uint8

// The classes.
const (
	classLease class = iota
	classNode
	classPod
	classEvent
	classOther
	classGrant
	classRevoke
	classNothing // the second revoke of a lease
	classRead
	classIndex // the question whether etcd still leads, before it revokes a lease
	classDelete
)

// classes are etcd's operations by class. Values have the protobuf sizes of kube-apiserver's
// objects (k8s.io/api v0.34): a Lease, a Node without images, an unschedulable pod, a
// FailedScheduling Event.
var classes = []etcdmodel.Stream{
	classLease: {Name: "leases", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 45, Value: 525}, Keys: 100},
	classNode:  {Name: "nodes", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 30, Value: 2715}, Keys: 100},
	classPod:   {Name: "pods", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 55, Value: 2167}, Keys: 1000},
	classEvent: {
		Name: "events", Op: etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: 75, Value: 834, Lease: true}, TTL: time.Hour,
	},
	classOther:   {Name: "other", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 50, Value: 1000}, Keys: 10},
	classGrant:   {Name: "grants", Op: etcdmodel.Op{Kind: etcdmodel.LeaseGrant}},
	classRevoke:  {Name: "revokes", Op: etcdmodel.Op{Kind: etcdmodel.LeaseRevoke}},
	classNothing: {Name: "late revokes", Op: etcdmodel.Op{Kind: etcdmodel.TxnConflict, Key: 1, Value: 8}, Keys: 1},
	classIndex:   {Name: "read indices", Op: etcdmodel.Op{Kind: etcdmodel.ReadIndex}},
	classDelete:  {Name: "deletes at the quota", Op: etcdmodel.Op{Kind: etcdmodel.TxnDelete, Key: 55}},
	classRead:    {Name: "reads", Op: etcdmodel.Op{Kind: etcdmodel.Range, Key: 45, Value: 525}},
}

// disk returns a disk with that median fsync and the spread of a busy machine's: one fsync in a
// hundred takes ten times as long.
func disk(median time.Duration) etcdmodel.Disk {
	return etcdmodel.Disk{Name: "scenario", Fsync: []etcdmodel.Quantile{
		{P: 0, Latency: median / 2},
		{P: 0.5, Latency: median},
		{P: 0.99, Latency: 10 * median},
		{P: 1, Latency: 50 * median},
	}}
}
