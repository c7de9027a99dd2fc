package capacity

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/internal/cluster"
)

// Snapshot is a cluster at one moment: its nodes, its pods and whatever else decides where a pod
// may run. It never changes and is safe for concurrent use. The objects given to it must not be
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
// volumes, claims, devices, services and workloads, in any order. Kinds unknown to it are skipped
// and named in [Answer.Warnings].
//
// It returns an error when two objects of a kind have one name, when an active pod is bound to a
// node that is not there, or when a quantity is negative. The error names the object and the field.
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
		s.warnings = append(s.warnings, fmt.Errorf("capacity: skipped %d of unknown kind %s %s", kind.Count,
			kind.APIVersion, kind.Kind))
	}
	return s, nil
}

// Objects returns the objects of the snapshot in the order given, without those of unknown kinds.
// The caller may change the slice, but not the objects.
func (s *Snapshot) Objects() []runtime.Object { return slices.Clone(s.state.Objects) }

// identity tells objects apart: two with the same identity are the same object.
type identity struct{ kind, namespace, name string }

func identify(object runtime.Object) (identity, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return identity{}, fmt.Errorf("capacity: With: %w", err)
	}
	return identity{fmt.Sprintf("%T", object), inDefault(accessor.GetNamespace()), accessor.GetName()}, nil
}

// With returns the snapshot with more objects: nodes to come, other pods, another quota. An object
// of the same kind, namespace and name as one of the snapshot takes its place, also in the order.
//
// Where pods are among the objects, the usage of their namespaces' quotas is counted anew. A quota
// that is given too keeps its own usage.
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
	given := make(map[identity]int, len(more)) // the first of each
	changed := map[string]bool{}
	for i, object := range more {
		if cluster.IsNil(object) {
			return nil, fmt.Errorf("capacity: With: object %d is nil, want a Kubernetes object", i)
		}
		if id, err := identify(object); err == nil {
			if _, twice := given[id]; !twice {
				given[id] = i
			}
			if _, ok := object.(*corev1.Pod); ok {
				changed[id.namespace] = true
			}
		}
	}
	return s.derive(merge(s.state.Objects, more, given, changed))
}

// merge puts the given objects in the place of those that are there, and the rest behind.
func merge(there, more []runtime.Object, given map[identity]int, changed map[string]bool) []runtime.Object {
	placed := make([]bool, len(more))
	all := make([]runtime.Object, 0, len(there)+len(more))
	for _, object := range there {
		id, err := identify(object)
		i, replaced := given[id]
		switch {
		case err != nil || !replaced:
			all = append(all, recounted(object, changed))
		case !placed[i]:
			placed[i] = true
			all = append(all, more[i])
		}
	}
	for i, object := range more {
		if !placed[i] {
			all = append(all, object)
		}
	}
	return all
}

// recounted returns a quota of a changed namespace without its usage. The usage is then the sum
// over the pods, as the quota controller will find.
func recounted(object runtime.Object, changed map[string]bool) runtime.Object {
	quota, ok := object.(*corev1.ResourceQuota)
	if !ok || !changed[inDefault(quota.Namespace)] || quota.Status.Used == nil {
		return object
	}
	quota = quota.DeepCopy()
	quota.Status.Used = nil
	return quota
}

// inDefault returns "" for "default": kubectl takes both for the same namespace.
func inDefault(namespace string) string {
	if namespace == "default" {
		return ""
	}
	return namespace
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
