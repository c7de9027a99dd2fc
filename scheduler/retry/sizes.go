package retry

import (
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// Sizes holds the bytes of the objects in etcd: keys and protobuf values.
type Sizes struct {
	PodKey, PodFresh, PodPending int // a pod as it was created, and with the scheduler's condition
	EventKey, Event, Series      int // an Event as it was created, and with its series

	ReplicaSetKey, ReplicaSet int
	QuotaKey, Quota           int
	ControllerEvent           int // an Event of the ReplicaSet controller; its key is as long as the scheduler's
}

// MeasuredSizes returns the sizes of the incident's pod template, 100 nodes and a message that
// names tainted ones, as validation/controlplane found them in etcd. They are means of one run of
// its three phases, v1.37.2, n = 450 pods, 1,294 patches, 839 Events and 450 series. The
// controller's are of the same scale-up, the quota's of a quota of pods (n = 9). A longer name of
// the workload, annotations and more containers add to them.
func MeasuredSizes() Sizes {
	return Sizes{PodKey: 43, PodFresh: 1528, PodPending: 2016, EventKey: 62, Event: 700, Series: 739,
		ReplicaSetKey: 44, ReplicaSet: 1238, QuotaKey: 40, Quota: 468, ControllerEvent: 595}
}

// Stream is one kind of write to etcd at a rate.
type Stream struct {
	Object, Verb string // pods or events; update, create
	PerSecond    float64
	Op           etcdmodel.Op
}

// Streams returns the load's writes as etcd gets them.
func (l Load) Streams(s Sizes) []Stream {
	return streams(s, l.PodPatches, l.EventCreates, l.EventUpdates)
}

// Streams returns the step's writes as etcd gets them, at their mean rate over the step. Bindings
// count as pod updates.
func (s Step) Streams(sizes Sizes, over time.Duration) []Stream {
	per := 1 / over.Seconds()
	return streams(
		sizes, float64(s.PodPatches-s.PatchErrors+s.Bound)*per, float64(s.EventCreates)*per,
		float64(s.EventUpdates)*per,
	)
}

// Streams returns the controller's writes as etcd gets them, at their mean rate over the step.
func (s ReplicaSetStep) Streams(sizes Sizes, over time.Duration) []Stream {
	rate := func(n int) float64 { return float64(n) / over.Seconds() }
	update := func(key, value int) etcdmodel.Op {
		return etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: key, Value: value}
	}
	event := etcdmodel.Op{Key: sizes.EventKey, Value: sizes.ControllerEvent, Lease: true}
	create, patch := event, event
	create.Kind, patch.Kind = etcdmodel.TxnCreate, etcdmodel.TxnUpdate
	pod := etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: sizes.PodKey, Value: sizes.PodFresh}
	gone := etcdmodel.Op{Kind: etcdmodel.TxnDelete, Key: sizes.PodKey}
	set, quota := update(sizes.ReplicaSetKey, sizes.ReplicaSet), update(sizes.QuotaKey, sizes.Quota)
	return []Stream{
		{Object: "pods", Verb: "create", PerSecond: rate(s.Creates), Op: pod},
		{Object: "pods", Verb: "delete", PerSecond: rate(s.Deletes), Op: gone},
		{Object: "replicasets", Verb: "update", PerSecond: rate(s.StatusUpdates), Op: set},
		{Object: "resourcequotas", Verb: "update", PerSecond: rate(s.QuotaUpdates), Op: quota},
		{Object: "events", Verb: "create", PerSecond: rate(s.EventCreates), Op: create},
		{Object: "events", Verb: "update", PerSecond: rate(s.EventUpdates), Op: patch},
	}
}

func streams(s Sizes, patches, creates, updates float64) []Stream {
	pod := etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: s.PodKey, Value: s.PodPending}
	event := etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: s.EventKey, Value: s.Event, Lease: true}
	series := etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: s.EventKey, Value: s.Series, Lease: true}
	return []Stream{
		{Object: "pods", Verb: "update", PerSecond: patches, Op: pod},
		{Object: "events", Verb: "create", PerSecond: creates, Op: event},
		{Object: "events", Verb: "update", PerSecond: updates, Op: series},
	}
}

// WAL returns the bytes a second that the streams add to etcd's log.
func WAL(v etcdmodel.Version, streams []Stream) float64 {
	sum := 0.0
	for _, x := range streams {
		sum += x.PerSecond * x.Op.WALBytes(v, 1)
	}
	return sum
}

// DB returns the bytes a second that the streams add to etcd's database until it is compacted.
func DB(v etcdmodel.Version, streams []Stream) float64 {
	sum := 0.0
	for _, x := range streams {
		sum += x.PerSecond * x.Op.DBBytes(v)
	}
	return sum
}
