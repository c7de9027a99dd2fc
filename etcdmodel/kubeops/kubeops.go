// Package kubeops answers: what do the objects of a Kubernetes cluster ask of etcd?
//
// [Create], [Update] and [Delete] turn an object into the [etcdmodel.Op] that kube-apiserver sends
// for it. They use the object's own encoding and its key under /registry:
//
//	op, err := kubeops.Update(pod)
//	op.WALBytes(etcdmodel.V3_6, 1)
//
// Objects are those of k8s.io/api, which are stored as protobuf, and custom resources, which are
// stored as JSON: unstructured, as *runtime.Unknown with JSON in it, or in a type of their own.
// A [Storage] says what differs in a cluster: encryption at rest, the prefix, plurals.
//
// [Storage.Inventory] counts a whole dump by resource and says what db it makes. [ChurnFromMetrics]
// reads from pages of kube-apiserver what is written and read, and how often.
//
// Ready-made objects of a usual size ([PodPending], [NodeLease] ...) stand for those that are not
// at hand.
package kubeops

import (
	"errors"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/etcdmodel"
)

// ErrObject is wrapped by every error about an object or its storage.
var ErrObject = errors.New("kubeops")

// Create returns the transaction that stores a new object, without encryption. An Event's key is
// attached to a lease (its TTL, one hour by default).
func Create(object runtime.Object) (etcdmodel.Op, error) { return Storage{}.Create(object) }

// Update returns the transaction that stores an object over its older self, without encryption.
func Update(object runtime.Object) (etcdmodel.Op, error) { return Storage{}.Update(object) }

// Delete returns the transaction that removes an object.
func Delete(object runtime.Object) (etcdmodel.Op, error) { return Storage{}.Delete(object) }

// Size returns the bytes of the value that kube-apiserver stores for the object, without
// encryption: see [Storage.Size].
func Size(object runtime.Object) (int, error) { return Storage{}.Size(object) }

// Key returns the key under which kube-apiserver stores the object: see [Storage.Key].
func Key(object runtime.Object) (string, error) { return Storage{}.Key(object) }
