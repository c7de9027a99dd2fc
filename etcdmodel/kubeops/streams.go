package kubeops

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/redline-go/redline/etcdmodel"
)

// Streams returns what the churn asks of etcd: one stream for each resource and kind of operation.
// The sizes are the inventory's; where it lacks a resource, the pages' own; then those of the
// ready-made objects; and 1 KiB with a warning.
//
// If the pages count the requests to etcd by resource, these are taken: they have no writes that
// change nothing, which the API server leaves out, and tell reads of etcd from those of the watch
// cache. What exceeds the requests is taken for transactions whose compare failed. Otherwise the
// requests are, as follows:
//
//   - POST creates, and so does what is answered with 201. PUT, PATCH and APPLY update. A binding
//     is an update, a status too. Reviews and tokens store nothing. A POST answered with 409 is a
//     transaction whose compare fails.
//   - DELETE removes. A pod takes two: the user's (or an eviction) sets deletionTimestamp, the
//     kubelet's own sets the grace period to zero and then removes. An eviction also sets a
//     condition.
//   - GET reads etcd, unless it names a resource version, which cannot be seen here: it is an upper
//     bound. LIST and WATCH are served from the watch cache, except for events.
//
// Events are created with a lease of an hour, and the API server asks for a lease a minute or for
// each 1,000 of them.
func (c Churn) Streams(s Storage, i Inventory) ([]etcdmodel.Stream, []error) {
	t := &tally{churn: c, storage: s, inventory: i, rates: map[written]float64{}, assumed: map[string]bool{}}
	if len(c.Etcd) > 0 {
		t.takeEtcd()
	} else {
		t.takeRequests()
	}
	return t.streams(), t.warnings
}

// A written is one stream before it has a rate.
type written struct {
	resource string
	kind     etcdmodel.Kind
	what     string // of a read: get or list
}

// A tally turns requests into operations.
type tally struct {
	churn     Churn
	storage   Storage
	inventory Inventory
	rates     map[written]float64
	assumed   map[string]bool
	warnings  []error
}

func (t *tally) warn(format string, args ...any) {
	t.warnings = append(t.warnings, warn(format, args...))
}

// etcdKinds are the operations of etcd_requests_total (apiserver's pkg/storage/etcd3/store.go).
var etcdKinds = map[string]struct {
	kind etcdmodel.Kind
	what string
}{
	"create": {etcdmodel.TxnCreate, ""}, "update": {etcdmodel.TxnUpdate, ""}, "delete": {etcdmodel.TxnDelete, ""},
	"get": {etcdmodel.Range, "get"}, "list": {etcdmodel.Range, "list"}, "listStream": {etcdmodel.Range, "list"},
	"listWithCount": {etcdmodel.Range, "key"}, "listOnlyKeys": {etcdmodel.Range, "key"},
	"getCurrentResourceVersion": {etcdmodel.Range, "key"},
}

func (t *tally) takeEtcd() {
	other := map[string]float64{}
	for _, r := range t.churn.Etcd {
		k, ok := etcdKinds[r.Verb]
		if !ok {
			other[r.Verb] += r.Rate
			continue
		}
		t.rates[written{r.Resource, k.kind, k.what}] += r.Rate
	}
	t.split()
	for _, verb := range sortedKeys(other) {
		t.warn("%s has %.3g/s of the operation %q, which is not known and left out", metricEtcd, other[verb], verb)
	}
}

// leastRate bounds what is left of the difference of equal rates.
const leastRate = 1e-9

// split parts what etcd_requests_total has as one, by the requests. A create by PUT, PATCH or APPLY
// is an update there. A transaction whose compare failed counts like one that wrote: a create of
// what exists, an update or delete by an outdated copy, before the API server tries again.
func (t *tally) split() {
	asked := &tally{churn: t.churn, rates: map[written]float64{}}
	asked.takeRequests()
	open := map[string]bool{} // resources of which the requests do not bound the writes
	for _, r := range t.churn.Requests {
		open[r.Resource] = open[r.Resource] || r.Verb == "DELETECOLLECTION"
		if changeOf(r) == creates && r.Verb != "POST" {
			t.move(r.Resource, etcdmodel.TxnUpdate, etcdmodel.TxnCreate, r.Rate)
		}
	}
	for resource, unbounded := range open {
		for _, kind := range []etcdmodel.Kind{etcdmodel.TxnCreate, etcdmodel.TxnUpdate, etcdmodel.TxnDelete} {
			k := written{resource, kind, ""}
			if extra := t.rates[k] - asked.rates[k]; extra > leastRate && !unbounded {
				t.move(resource, kind, etcdmodel.TxnConflict, extra)
			}
		}
	}
}

// move counts so many writes of a resource, or all that there are, as another kind.
func (t *tally) move(resource string, from, to etcdmodel.Kind, rate float64) {
	k := written{resource, from, ""}
	rate = min(rate, t.rates[k])
	t.rates[k] -= rate
	t.rates[written{resource, to, ""}] += rate
}

// virtual are groups whose objects nobody stores.
var virtual = map[string]bool{
	"authentication.k8s.io": true, "authorization.k8s.io": true, "metrics.k8s.io": true, "custom.metrics.k8s.io": true,
	"external.metrics.k8s.io": true,
}

// A change says what a verb on a resource or subresource does to the object.
type change int

const (
	unchanged change = iota
	creates
	updates
	deletes
	leaves // a pod's deletion: by a user, or by its kubelet in the end
	evicts // an eviction: its condition, then the deletion
	fails  // a create of what exists
)

// posts says what a POST on a subresource does. PUT, PATCH and APPLY on any one update the
// object.
var posts = map[string]change{"": creates, "binding": updates, "eviction": evicts}

// changeOf returns what a request does.
func changeOf(r Request) change {
	group := schema.ParseGroupResource(r.Resource).Group
	if virtual[group] {
		return unchanged
	}
	switch r.Verb {
	case "POST":
		switch {
		case r.Exists:
			return fails
		case r.Resource == "bindings":
			return updates
		}
		return posts[r.Subresource]
	case "PUT", "PATCH", "APPLY":
		if r.Created && r.Subresource == "" {
			return creates
		}
		return updates
	case "DELETE":
		if r.Resource == "pods" {
			return leaves
		}
		return deletes
	}
	return unchanged
}

func (t *tally) takeRequests() {
	collections := 0.0
	for _, r := range t.churn.Requests {
		resource := r.Resource
		if resource == "bindings" {
			resource = "pods"
		}
		add := func(kind etcdmodel.Kind, what string, rate float64) { t.rates[written{resource, kind, what}] += rate }
		switch changeOf(r) {
		case creates:
			add(etcdmodel.TxnCreate, "", r.Rate)
		case updates:
			add(etcdmodel.TxnUpdate, "", r.Rate)
		case fails:
			add(etcdmodel.TxnConflict, "", r.Rate)
		case deletes:
			add(etcdmodel.TxnDelete, "", r.Rate)
		case leaves:
			add(etcdmodel.TxnUpdate, "", r.Rate)
			add(etcdmodel.TxnDelete, "", r.Rate/2)
		case evicts:
			add(etcdmodel.TxnUpdate, "", 2*r.Rate)
			add(etcdmodel.TxnDelete, "", r.Rate/2)
		case unchanged:
			t.read(r, add)
			if r.Verb == "DELETECOLLECTION" {
				collections += r.Rate
			}
		}
	}
	if collections > 0 {
		t.warn("%.3g DELETECOLLECTION/s delete a number of objects that the pages do not say: they are left out", collections)
	}
	t.warn("%s is not on the pages by resource: writes that change nothing are counted, "+
		"though the API server leaves them out, and every GET, "+
		"though those that name a resource version are read from the watch cache", metricEtcd)
}

func (t *tally) read(r Request, add func(etcdmodel.Kind, string, float64)) {
	if virtual[schema.ParseGroupResource(r.Resource).Group] {
		return
	}
	switch {
	case r.Verb == "GET":
		add(etcdmodel.Range, "get", r.Rate)
	case r.Verb == "LIST" && r.Resource == "events": // DefaultWatchCacheSizes: none of events
		add(etcdmodel.Range, "list", r.Rate)
	}
}

// eventTTL is kube-apiserver's --event-ttl.
const eventTTL = time.Hour

// streams returns the streams in the order of their resources.
func (t *tally) streams() []etcdmodel.Stream {
	keys := make([]written, 0, len(t.rates))
	for k := range t.rates {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b written) int {
		return cmp.Or(strings.Compare(a.resource, b.resource), cmp.Compare(a.kind, b.kind), strings.Compare(a.what, b.what))
	})
	var out []etcdmodel.Stream
	events := 0.0
	for _, k := range keys {
		stream := t.stream(k)
		if stream.Op.Lease && k.kind == etcdmodel.TxnCreate {
			stream.TTL = eventTTL
			events += stream.Rate
		}
		if stream.Rate > leastRate {
			out = append(out, stream)
		}
	}
	if events > 0 {
		// lease_manager.go:29: a lease serves a minute, or 1,000 objects.
		perServer := max(math.Min(events, float64(max(t.churn.Servers, 1))/60), events/1000)
		out = append(out, etcdmodel.Stream{
			Name: "leases of events", Op: etcdmodel.Op{Kind: etcdmodel.LeaseGrant}, Rate: perServer,
		})
	}
	return out
}

func (t *tally) stream(k written) etcdmodel.Stream {
	key, value, objects := t.sizes(k.resource)
	s := etcdmodel.Stream{Name: k.resource + " " + k.kind.String(), Rate: t.rates[k]}
	switch k.kind {
	case etcdmodel.Range:
		s.Name = k.resource + " " + k.what
		s.Op = etcdmodel.Op{Kind: k.kind, Key: key, Value: value}
		switch k.what {
		case "list":
			s.Op.Value = value * max(objects, 1)
		case "key":
			s.Op.Value = 0
		}
	case etcdmodel.TxnUpdate:
		s.Keys = max(objects, 1)
		s.Op = etcdmodel.Op{Kind: k.kind, Key: key, Value: value, Lease: k.resource == "events"}
	case etcdmodel.TxnDelete:
		s.Op = etcdmodel.Op{Kind: k.kind, Key: key}
	default:
		s.Op = etcdmodel.Op{Kind: k.kind, Key: key, Value: value, Lease: k.resource == "events"}
	}
	return s
}

// assumedName is the number of bytes that a namespace and a name take in a key.
const assumedName, assumedValue = 40, 1024

// usualObjects are the ready-made objects that stand for their resources.
var usualObjects = map[string]func() runtime.Object{
	"pods":                       func() runtime.Object { return PodRunning() },
	"events":                     func() runtime.Object { return FailedScheduling() },
	"nodes":                      func() runtime.Object { return NodeStatus(50) },
	"leases.coordination.k8s.io": func() runtime.Object { return NodeLease() },
}

// sizes returns the bytes of a resource's mean key and value, and the number of its objects.
func (t *tally) sizes(resource string) (key, value, objects int) {
	if r, ok := t.inventory.Row(resource); ok && r.Objects > 0 {
		n := int64(r.Objects)
		return int((r.KeyBytes + n/2) / n), int((r.ValueBytes + n/2) / n), r.Objects
	}
	parsed := schema.ParseGroupResource(resource)
	key = len(t.storage.keyOf(parsed, builtIn(parsed.Group), "", "")) + assumedName
	stored := t.churn.Stored[resource]
	if stored.Bytes > 0 {
		return key, int(math.Round(stored.Bytes)), stored.Objects
	}
	if usual, ok := usualObjects[resource]; ok {
		if o, err := t.storage.stored(usual(), t.storage.adds); err == nil {
			return len(o.key), o.size, stored.Objects
		}
	}
	if !t.assumed[resource] {
		t.assumed[resource] = true
		t.warn("the size of %s is not known: %d bytes are assumed", resource, assumedValue)
	}
	return key, assumedValue, stored.Objects
}
