package kubeops

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/redline-go/redline/etcdmodel"
)

// An Inventory says how many objects of each resource a dump has, and what db they make.
type Inventory struct {
	Rows []Row // the one with the most db bytes first

	Objects    int
	KeyBytes   int64
	ValueBytes int64   // as stored: encrypted, if they are
	DBBytes    float64 // of pages, one revision of each object

	// Warnings name what a dump lacks, and what of it could not be sized.
	Warnings []error
}

// A Row is one resource of an inventory.
type Row struct {
	Resource string // as an EncryptionConfiguration names it: pods, deployments.apps, widgets.example.com

	Objects              int
	KeyBytes, ValueBytes int64
	DBBytes              float64
	Largest              int    // bytes of the largest value
	LargestKey           string // its key
}

// Op returns the operation of that kind on the row's average object.
func (r Row) Op(kind etcdmodel.Kind) (etcdmodel.Op, error) {
	if r.Objects <= 0 {
		return etcdmodel.Op{}, fmt.Errorf("%w: Row.Objects is %d, want > 0", ErrObject, r.Objects)
	}
	n := int64(r.Objects)
	return opOf(kind, r.Resource, int((r.KeyBytes+n/2)/n), int((r.ValueBytes+n/2)/n))
}

// Row returns the row of a resource. It reports false if the dump has none.
func (i Inventory) Row(resource string) (Row, bool) {
	at := slices.IndexFunc(i.Rows, func(r Row) bool { return r.Resource == resource })
	if at < 0 {
		return Row{}, false
	}
	return i.Rows[at], true
}

// State returns the db of a member that holds the inventory and nothing else: no history, no free
// pages, as after a compaction and a defragmentation. It is the least that such a cluster needs. Of
// a running etcd, etcdmodel.StateFromMetrics tells more.
func (i Inventory) State() etcdmodel.State {
	bytes, n := int64(i.DBBytes), int64(i.Objects)
	return etcdmodel.State{Keys: i.Objects, InUse: bytes, Total: bytes, Revision: n, Compacted: n}
}

// Inventory counts objects by resource, as kube-apiserver stores them. Lists count by their items.
// CustomResourceDefinitions among the objects name the resources of theirs.
//
// What cannot be sized is left out with a warning that names it. Only an invalid Storage is an
// error.
func (s Storage) Inventory(objects ...runtime.Object) (Inventory, error) {
	if err := s.check(); err != nil {
		return Inventory{}, err
	}
	objects = flatten(objects)
	s.Plurals = s.pluralsOf(objects)
	i := Inventory{}
	c := counter{rows: map[string]*Row{}, keys: map[string]bool{}, samples: map[string]sample{}}
	for n, object := range objects {
		o, err := s.stored(object, func(resource string) bool {
			return s.AddManagedFields || c.samples[resource].n < maxSamples
		})
		if err != nil {
			c.failed = append(c.failed, fmt.Errorf("object %d of %d: %w", n+1, len(objects), err))
			continue
		}
		c.add(o, s.Version)
	}
	for _, name := range sortedKeys(c.rows) {
		r := *c.rows[name]
		i.Rows = append(i.Rows, r)
		i.Objects += r.Objects
		i.KeyBytes += r.KeyBytes
		i.ValueBytes += r.ValueBytes
		i.DBBytes += r.DBBytes
	}
	slices.SortStableFunc(i.Rows, func(a, b Row) int { return cmp.Compare(b.DBBytes, a.DBBytes) })
	i.Warnings = c.warnings(s, i)
	return i, nil
}

func (s Storage) check() error {
	for _, name := range sortedKeys(s.Encryption) {
		if err := s.Encryption[name].Check(fmt.Sprintf("Storage.Encryption[%q]", name)); err != nil {
			return err
		}
	}
	if s.Version < 0 || s.Version > etcdmodel.V3_7 {
		return fmt.Errorf("%w: Storage.Version is %d, want one of etcdmodel", ErrObject, int(s.Version))
	}
	return nil
}

// flatten puts the items of lists in the place of the lists, at any depth.
func flatten(objects []runtime.Object) []runtime.Object {
	var out []runtime.Object
	for _, object := range objects {
		if object == nil || !meta.IsListType(object) {
			out = append(out, object)
			continue
		}
		items, err := meta.ExtractList(object)
		if err != nil {
			out = append(out, object) // stored says why
			continue
		}
		out = append(out, flatten(items)...)
	}
	return out
}

// pluralsOf adds the names that CustomResourceDefinitions give to those of the options.
func (s Storage) pluralsOf(objects []runtime.Object) map[schema.GroupKind]string {
	out := map[schema.GroupKind]string{}
	for _, object := range objects {
		x, err := openObject(object)
		if err != nil || x.kind.GroupKind() != definitionKind {
			continue
		}
		u, ok := x.object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
		plural, _, _ := unstructured.NestedString(u.Object, "spec", "names", "plural")
		if group != "" && kind != "" && plural != "" {
			out[schema.GroupKind{Group: group, Kind: kind}] = plural
		}
	}
	for kind, plural := range s.Plurals {
		out[kind] = plural
	}
	return out
}

// A counter adds objects up.
type counter struct {
	rows    map[string]*Row
	keys    map[string]bool
	twice   []string
	failed  []error
	managed int
	samples map[string]sample
}

// A sample adds up the estimates of managedFields of some objects of a resource.
type sample struct {
	n     int
	bytes int64
}

// maxSamples is the number of objects of a resource whose hidden managedFields are estimated for a
// warning: it costs some ten times what sizing costs.
const maxSamples = 20

// hidden returns the estimated bytes of the managedFields that the dump lacks.
func (c *counter) hidden() int64 {
	sum := 0.0
	for _, resource := range sortedKeys(c.samples) {
		if x := c.samples[resource]; x.n > 0 {
			sum += float64(x.bytes) / float64(x.n) * float64(c.rows[resource].Objects)
		}
	}
	return int64(sum)
}

func (c *counter) add(o stored, version etcdmodel.Version) {
	if c.keys[o.key] {
		c.twice = append(c.twice, o.key)
		return
	}
	c.keys[o.key] = true
	r := c.rows[o.resource]
	if r == nil {
		r = &Row{Resource: o.resource}
		c.rows[o.resource] = r
	}
	r.Objects++
	r.KeyBytes += int64(len(o.key))
	r.ValueBytes += int64(o.size)
	r.DBBytes += etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: len(o.key), Value: o.size}.DBBytes(version)
	if o.size > r.Largest || r.LargestKey == "" {
		r.Largest, r.LargestKey = o.size, o.key
	}
	if o.managed {
		c.managed++
	}
	if o.hidden > 0 {
		x := c.samples[o.resource]
		c.samples[o.resource] = sample{x.n + 1, x.bytes + int64(o.hidden)}
	}
}

// usual are resources that every cluster has, and why a dump often has none.
var usual = []struct{ resource, why string }{
	{"events", "`kubectl get all` leaves them out"},
	{"leases.coordination.k8s.io", "one for each node, written every ten seconds"},
	{"configmaps", "`kubectl get all` leaves them out"},
	{"secrets", "Helm keeps its releases in them"},
	{"endpointslices.discovery.k8s.io", "one for each 100 endpoints of a service"},
	{"pods", ""}, {"nodes", ""},
}

const shownWarnings = 5

// warnings says what the dump lacks.
func (c *counter) warnings(s Storage, i Inventory) []error {
	var out []error
	warn := func(format string, args ...any) { out = append(out, warn(format, args...)) }
	for n, err := range c.failed {
		if n == shownWarnings {
			warn("%d objects more could not be sized", len(c.failed)-n)
			break
		}
		out = append(out, warning{err})
	}
	if len(c.twice) > 0 {
		warn("%d objects are there twice and counted once; the first is %s", len(c.twice), c.twice[0])
	}
	if i.Objects == 0 {
		warn("the inventory is empty")
		return out
	}
	for _, u := range usual {
		if c.rows[u.resource] == nil {
			why := ""
			if u.why != "" {
				why = " (" + u.why + ")"
			}
			warn("the dump has no %s%s: they are counted as none, not as unknown", u.resource, why)
		}
	}
	switch {
	case c.managed > 0:
	case s.AddManagedFields:
		warn("the dump has no managedFields: an estimate of %d bytes is added", c.hidden())
	default:
		warn("the dump has no managedFields, which `kubectl get` shows with --show-managed-fields: "+
			"about %d bytes more are stored, set Storage.AddManagedFields to add them", c.hidden())
	}
	return out
}
