// Package kubeops answers: what does one write of a Kubernetes object ask of etcd?
//
// [Create], [Update] and [Delete] turn any object of k8s.io/api into the [etcdmodel.Op] that
// kube-apiserver sends for it. They use the object's own protobuf encoding and its key under
// /registry:
//
//	op, err := kubeops.Update(pod)
//	op.WALBytes(etcdmodel.V3_6, 1)
//
// Ready-made objects of a usual size ([PodPending], [NodeLease] ...) stand for those that are not
// at hand.
package kubeops

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/redline-go/redline/etcdmodel"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// ErrObject is wrapped by every error about an object.
var ErrObject = errors.New("kubeops")

var known = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, coordinationv1.AddToScheme, discoveryv1.AddToScheme,
		autoscalingv2.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, rbacv1.AddToScheme,
	} {
		if err := add(s); err != nil {
			panic(err) // two of k8s.io/api's groups under one name: cannot happen
		}
	}
	return s
}()

// Create returns the transaction that stores a new object. An Event's key is attached to a lease
// (its TTL, one hour by default).
func Create(object runtime.Object) (etcdmodel.Op, error) { return op(etcdmodel.TxnCreate, object) }

// Update returns the transaction that stores an object over its older self.
func Update(object runtime.Object) (etcdmodel.Op, error) { return op(etcdmodel.TxnUpdate, object) }

// Delete returns the transaction that removes an object.
func Delete(object runtime.Object) (etcdmodel.Op, error) { return op(etcdmodel.TxnDelete, object) }

func op(kind etcdmodel.Kind, object runtime.Object) (etcdmodel.Op, error) {
	key, err := Key(object)
	if err != nil {
		return etcdmodel.Op{}, err
	}
	size, err := Size(object)
	if err != nil {
		return etcdmodel.Op{}, err
	}
	_, event := object.(*corev1.Event)
	o := etcdmodel.Op{Kind: kind, Key: len(key), Value: size, Lease: event}
	if kind == etcdmodel.TxnDelete {
		o.Value, o.Lease = 0, false
	}
	return o, o.Check("object")
}

// Size returns the bytes of the object as kube-apiserver stores it: protobuf with its envelope. It
// leaves the resource version out, as kube-apiserver does before it stores (it is the key's
// revision).
func Size(object runtime.Object) (int, error) {
	kind, err := kindOf(object)
	if err != nil {
		return 0, err
	}
	stored := object.DeepCopyObject()
	access, err := meta.Accessor(stored)
	if err != nil {
		return 0, fmt.Errorf("%w: %v: %w", ErrObject, kind, err)
	}
	access.SetResourceVersion("")
	access.SetSelfLink("")
	stored.GetObjectKind().SetGroupVersionKind(kind)
	var out bytes.Buffer
	if err := protobuf.NewSerializer(known, known).Encode(stored, &out); err != nil {
		return 0, fmt.Errorf("%w: %v: %w", ErrObject, kind, err)
	}
	return out.Len(), nil
}

func kindOf(object runtime.Object) (schema.GroupVersionKind, error) {
	if object == nil {
		return schema.GroupVersionKind{}, fmt.Errorf("%w: object is nil, want one of k8s.io/api", ErrObject)
	}
	kinds, _, err := known.ObjectKinds(object)
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf(
			"%w: %T is not of a group that this package knows: %w", ErrObject, object, err,
		)
	}
	return kinds[0], nil
}

// prefixes are the resources whose place under /registry is not their name
// (pkg/registry/*/*/storage: DefaultQualifiedResource and KeyRootFunc).
var prefixes = map[schema.GroupKind]string{
	{Kind: "Node"}:                                "minions",
	{Kind: "Service"}:                             "services/specs",
	{Kind: "Endpoints"}:                           "services/endpoints",
	{Kind: "ReplicationController"}:               "controllers",
	{Group: "networking.k8s.io", Kind: "Ingress"}: "ingress",
}

// Key returns the key under which kube-apiserver stores the object, such as
// /registry/pods/production/api-gateway-7f8d9b6-x4z2n.
func Key(object runtime.Object) (string, error) {
	kind, err := kindOf(object)
	if err != nil {
		return "", err
	}
	access, err := meta.Accessor(object)
	if err != nil {
		return "", fmt.Errorf("%w: %v: %w", ErrObject, kind, err)
	}
	if access.GetName() == "" {
		return "", fmt.Errorf("%w: %v has metadata.name \"\", want a name", ErrObject, kind.Kind)
	}
	prefix, ok := prefixes[kind.GroupKind()]
	if !ok {
		plural, _ := meta.UnsafeGuessKindToResource(kind)
		prefix = plural.Resource
	}
	parts := []string{"/registry", prefix}
	if access.GetNamespace() != "" {
		parts = append(parts, access.GetNamespace())
	}
	return strings.Join(append(parts, access.GetName()), "/"), nil
}
