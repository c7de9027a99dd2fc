package capacity

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/internal/cluster"
)

// Snapshot is a cluster at one moment: its nodes, its pods and whatever else decides where a pod
// may run. It never changes and is safe for concurrent use; the objects given to it must not be
// changed either.
type Snapshot struct {
	state    *cluster.State
	table    *table
	warnings []error
}

func init() {
	cluster.Of = func(snapshot any) *cluster.State { return snapshot.(*Snapshot).state }
}

// NewSnapshot takes nodes, pods, namespaces, quotas, limit ranges, priority and runtime classes,
// volumes, claims, devices, services and workloads; the order does not matter. Kinds unknown to
// it are skipped and named in [Answer.Warnings].
//
// It is an error when two objects of a kind have one name, when an active pod is bound to a node
// that is not there, or when a quantity is negative; the error names the object and the field.
func NewSnapshot(objects ...runtime.Object) (*Snapshot, error) {
	state, err := cluster.New(objects)
	if err != nil {
		return nil, err
	}
	table, err := newTable(state)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{state: state, table: table}
	for _, kind := range state.Skipped {
		s.warnings = append(s.warnings, fmt.Errorf("capacity: skipped %d of unknown kind %s %s", kind.Count, kind.APIVersion, kind.Kind))
	}
	return s, nil
}

// Objects are the objects of the snapshot in the order given, without those of unknown kinds. The
// slice is the caller's, the objects are not.
func (s *Snapshot) Objects() []runtime.Object { return slices.Clone(s.state.Objects) }

// identity is what makes two objects the same one.
type identity struct{ kind, namespace, name string }

func identify(object runtime.Object) (identity, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return identity{}, fmt.Errorf("capacity: With: %w", err)
	}
	namespace := accessor.GetNamespace()
	if namespace == "default" {
		namespace = "" // what kubectl takes it for
	}
	return identity{fmt.Sprintf("%T", object), namespace, accessor.GetName()}, nil
}

// With is the snapshot with more objects: nodes to come, other pods, another quota. An object
// of the same kind, namespace and name as one of the snapshot takes its place.
func (s *Snapshot) With(objects ...runtime.Object) (*Snapshot, error) {
	var more []runtime.Object
	for _, object := range objects {
		if !cluster.IsNil(object) && meta.IsListType(object) {
			items, err := meta.ExtractList(object)
			if err != nil {
				return nil, fmt.Errorf("capacity: With: %w", err)
			}
			more = append(more, items...)
			continue
		}
		more = append(more, object)
	}
	replaced := make(map[identity]bool, len(more))
	for i, object := range more {
		if cluster.IsNil(object) {
			return nil, fmt.Errorf("capacity: With: object %d is nil, want a Kubernetes object", i)
		}
		if id, err := identify(object); err == nil {
			replaced[id] = true
		}
	}
	kept := make([]runtime.Object, 0, len(s.state.Objects)+len(more))
	for _, object := range s.state.Objects {
		if id, err := identify(object); err == nil && replaced[id] {
			continue
		}
		kept = append(kept, object)
	}
	return s.derive(append(kept, more...))
}

// derive makes a snapshot of other objects that keeps this one's warnings.
func (s *Snapshot) derive(objects []runtime.Object) (*Snapshot, error) {
	next, err := NewSnapshot(objects...)
	if err != nil {
		return nil, err
	}
	next.warnings = append(slices.Clone(s.warnings), next.warnings...)
	return next, nil
}
