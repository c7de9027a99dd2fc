package etcdmodel

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"
)

// Population counts the objects that a Kubernetes cluster keeps in etcd, and their changes. Its
// zero value is an empty cluster. Sizes are bytes of one object as kube-apiserver stores it; the
// defaults were measured (kubeops/testdata/k8s_object_sizes.csv, protobuf of k8s.io/api v0.34).
type Population struct {
	Nodes int
	Pods  int // that run at a time

	// Churn is the number of pods replaced in an hour. Each is created, bound, reported by its
	// kubelet three times, marked for deletion and deleted: seven writes.
	Churn float64
	// Events is the number of new Events a second. Zero means eight for each pod replaced: those of
	// the scheduler (Scheduled), the kubelet (Pulling, Pulled, Created, Started, Killing) and the
	// ReplicaSet controller (SuccessfulCreate, SuccessfulDelete).
	Events   float64
	EventTTL time.Duration // kube-apiserver's --event-ttl; zero means one hour

	// LeaseEvery is the time between two renewals of a node's Lease, StatusEvery that between two
	// reports of its status while nothing changes. Zero means 10 s and 5 min
	// (pkg/kubelet/apis/config/v1beta1/defaults.go: a quarter of nodeLeaseDurationSeconds;
	// nodeStatusReportFrequency).
	LeaseEvery, StatusEvery time.Duration

	PodBytes   int // zero means 3,061: a running pod of one container
	NodeBytes  int // zero means 10,705: a node with 50 images
	LeaseBytes int // zero means 525
	EventBytes int // zero means 834

	Others []Objects // all other kinds: custom resources, Secrets, ConfigMaps ...

	Watchers int // watches that clients of etcd hold; kube-apiserver has one for each resource

	// Margin is the factor by which the rates may grow before the disk no longer holds. Zero means 2.
	// It is a choice and not measured.
	Margin float64
	Limits Limits

	// Cluster has what is known of the etcd: Version, Members, RTT, CPU, Seed. Its Disks, Quota,
	// CompactEvery, CompactKeep, State and DB are what is asked and must be zero.
	Cluster Cluster
}

// Objects is a kind of object of which there are many alike.
type Objects struct {
	Name    string
	Count   int
	Bytes   int     // of one
	Key     int     // bytes of the key; zero means 60
	Updates float64 // a second, of all together
	Churn   float64 // a second that are deleted, each with another created in its place
}

// Defaults of a population, see there.
const (
	defaultMargin = 2
	eventsPerPod  = 8
	eventKey      = 70
	podKey        = 51
	leaseKey      = 60
	nodeKey       = 45
	freshPod      = 1609 // bytes of a pod before its kubelet reports
)

// leaders is the number of leader leases: kube-scheduler's and kube-controller-manager's, each
// renewed every two seconds (component-base/config/v1alpha1/defaults.go: RetryPeriod).
const (
	leaders      = 2
	leaderPeriod = 2 * time.Second
)

var populationLimits = []limit[Population]{
	ranged("Nodes", func(p *Population) int { return p.Nodes }, 0, 1_000_000),
	ranged("Pods", func(p *Population) int { return p.Pods }, 0, 100_000_000),
	ranged("Churn", func(p *Population) float64 { return p.Churn }, 1e-3, 1e9),
	ranged("Events", func(p *Population) float64 { return p.Events }, 1e-6, maxRate/100),
	ranged("EventTTL", func(p *Population) time.Duration { return p.EventTTL }, time.Second, century),
	ranged("LeaseEvery", func(p *Population) time.Duration { return p.LeaseEvery }, time.Second, time.Hour),
	ranged("StatusEvery", func(p *Population) time.Duration { return p.StatusEvery }, time.Second, 24*time.Hour),
	ranged("PodBytes", func(p *Population) int { return p.PodBytes }, 0, mostObject),
	ranged("NodeBytes", func(p *Population) int { return p.NodeBytes }, 0, mostObject),
	ranged("LeaseBytes", func(p *Population) int { return p.LeaseBytes }, 0, mostObject),
	ranged("EventBytes", func(p *Population) int { return p.EventBytes }, 0, mostObject),
	ranged("Watchers", func(p *Population) int { return p.Watchers }, 0, 100_000_000),
	ranged("Margin", func(p *Population) float64 { return p.Margin }, 1, 100),
}

var objectsLimits = []limit[Objects]{
	ranged("Count", func(o *Objects) int { return o.Count }, 0, 1_000_000_000),
	ranged("Bytes", func(o *Objects) int { return o.Bytes }, 0, mostObject),
	ranged("Key", func(o *Objects) int { return o.Key }, 0, 4096),
	ranged("Updates", func(o *Objects) float64 { return o.Updates }, leastRate, maxRate/100),
	ranged("Churn", func(o *Objects) float64 { return o.Churn }, leastRate, maxRate/100),
}

// mostObject leaves room for a key and a transaction within MaxRequestBytes.
const mostObject = MaxRequestBytes - 64<<10

// Check returns an error that names the first invalid field.
func (p Population) Check() error {
	if err := checkAll("Population", populationLimits, &p); err != nil {
		return err
	}
	for i, o := range p.Others {
		if err := checkAll(fmt.Sprintf("Population.Others[%d]", i), objectsLimits, &o); err != nil {
			return err
		}
	}
	c := p.Cluster
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"Disks", len(c.Disks) > 0}, {"Quota", c.Quota != 0}, {"CompactEvery", c.CompactEvery != 0},
		{"CompactKeep", c.CompactKeep != 0}, {"DB", c.DB != 0}, {"State", c.State != State{}},
	} {
		if f.set {
			return bad("Population.Cluster."+f.name, "set", "zero: SizeFor answers it")
		}
	}
	return errors.Join(c.Check(), p.load().Check())
}

func (p Population) withDefaults() Population {
	p.Events = cmp.Or(p.Events, eventsPerPod*p.Churn/3600)
	p.EventTTL = cmp.Or(p.EventTTL, time.Hour)
	p.LeaseEvery, p.StatusEvery = cmp.Or(p.LeaseEvery, 10*time.Second), cmp.Or(p.StatusEvery, 5*time.Minute)
	p.PodBytes, p.NodeBytes = cmp.Or(p.PodBytes, 3061), cmp.Or(p.NodeBytes, 10705)
	p.LeaseBytes, p.EventBytes = cmp.Or(p.LeaseBytes, 525), cmp.Or(p.EventBytes, 834)
	p.Margin = cmp.Or(p.Margin, defaultMargin)
	return p
}

// load returns the population's writes.
func (p Population) load() Load {
	p = p.withDefaults()
	l := Load{Limits: p.Limits}
	update := func(name string, key, bytes, keys int, rate float64) {
		if rate >= leastRate && keys > 0 {
			op := Op{Kind: TxnUpdate, Key: key, Value: bytes}
			l.Streams = append(l.Streams, Stream{Name: name, Op: op, Rate: rate, Keys: keys})
		}
	}
	// A new object takes the place of a deleted one, so the live keys stay as many: only the
	// tombstone is written, as an update of one key.
	remove := func(name string, key int, rate float64) { update(name, key, 0, 1, rate) }
	nodes, replaced := float64(p.Nodes), p.Churn/3600
	update("leader leases", leaseKey, p.LeaseBytes, leaders, leaders/leaderPeriod.Seconds())
	update("node leases", leaseKey, p.LeaseBytes, p.Nodes, nodes/p.LeaseEvery.Seconds())
	update("node status", nodeKey, p.NodeBytes, p.Nodes, nodes/p.StatusEvery.Seconds())
	// The few pods that wait at a time are one key: what is written of them is soon history.
	update("pods pending", podKey, min(freshPod, p.PodBytes), 1, 2*replaced)
	update("pods running", podKey, p.PodBytes, max(1, p.Pods), 4*replaced)
	remove("pods deleted", podKey, replaced)
	if p.Events >= leastRate {
		op := Op{Kind: TxnCreate, Key: eventKey, Value: p.EventBytes, Lease: true}
		l.Streams = append(l.Streams, Stream{Name: "events", Op: op, Rate: p.Events, TTL: p.EventTTL})
	}
	for _, o := range p.Others {
		update(o.Name, cmp.Or(o.Key, assumedKey), o.Bytes, o.Count, o.Updates+o.Churn)
		remove(o.Name+" deleted", cmp.Or(o.Key, assumedKey), o.Churn)
	}
	return l
}

// state returns the db of the population's objects alone, just compacted.
func (p Population) state(v Version) State {
	p = p.withDefaults()
	bytes, keys := 0.0, 0.0
	add := func(count float64, key, size int) {
		bytes += count * Op{Kind: Put, Key: key, Value: size}.DBBytes(v)
		keys += count
	}
	add(leaders+float64(p.Nodes), leaseKey, p.LeaseBytes)
	add(float64(p.Nodes), nodeKey, p.NodeBytes)
	add(float64(p.Pods), podKey, p.PodBytes)
	add(p.Events*p.EventTTL.Seconds(), eventKey, p.EventBytes)
	for _, o := range p.Others {
		add(float64(o.Count), cmp.Or(o.Key, assumedKey), o.Bytes)
	}
	size, n := wholeInt64(math.Min(bytes, mostSize/2)), wholeInt64(math.Min(keys, mostKeys))
	return State{Total: size, InUse: size, Keys: int(n), Revision: n + 1, Compacted: n}
}
