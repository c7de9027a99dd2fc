package kubeops

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/redline-go/redline/etcdmodel"
)

// Storage says how kube-apiserver stores. Its zero value is a stock one, without encryption.
type Storage struct {
	Prefix string // --etcd-prefix; zero means /registry

	// Encryption holds the provider that writes each resource, as an EncryptionConfiguration has it:
	// "secrets", "widgets.example.com", "*.apps", "*.*". An exact name goes before its group, and
	// that before "*.*". Zero encrypts nothing.
	Encryption map[string]Encryption

	// Plurals holds the resources of custom kinds, which a CustomResourceDefinition names freely.
	// Without it they are guessed from the kind. [Storage.Inventory] reads them
	// from the definitions among its objects.
	Plurals map[schema.GroupKind]string

	// AddManagedFields gives each object that has no managedFields an estimate of them, as of one
	// writer. `kubectl get` leaves them out, unless it is told --show-managed-fields.
	AddManagedFields bool

	Version etcdmodel.Version // for the db bytes of an inventory; zero means the newest modelled
}

// Create returns the transaction that stores a new object.
func (s Storage) Create(object runtime.Object) (etcdmodel.Op, error) {
	return s.op(etcdmodel.TxnCreate, object)
}

// Update returns the transaction that stores an object over its older self.
func (s Storage) Update(object runtime.Object) (etcdmodel.Op, error) {
	return s.op(etcdmodel.TxnUpdate, object)
}

// Delete returns the transaction that removes an object.
func (s Storage) Delete(object runtime.Object) (etcdmodel.Op, error) {
	return s.op(etcdmodel.TxnDelete, object)
}

func (s Storage) op(kind etcdmodel.Kind, object runtime.Object) (etcdmodel.Op, error) {
	o, err := s.stored(object, s.adds)
	if err != nil {
		return etcdmodel.Op{}, err
	}
	return opOf(kind, o.resource, len(o.key), o.size)
}

func opOf(kind etcdmodel.Kind, resource string, key, value int) (etcdmodel.Op, error) {
	o := etcdmodel.Op{Kind: kind, Key: key, Value: value, Lease: resource == "events"}
	if kind == etcdmodel.TxnDelete {
		o.Value, o.Lease = 0, false
	}
	return o, o.Check("object")
}

// Size returns the bytes of the value that kube-apiserver stores for the object: protobuf with its
// envelope for the kinds of k8s.io/api, JSON with a line's end for all others, encrypted if
// Encryption says so. It leaves the resource version out, as kube-apiserver does before it stores
// (it is the key's revision).
func (s Storage) Size(object runtime.Object) (int, error) {
	o, err := s.stored(object, s.adds)
	return o.size, err
}

// Key returns the key under which kube-apiserver stores the object, such as
// /registry/pods/production/api-gateway-7f8d9b6-x4z2n or, for a custom resource,
// /registry/example.com/widgets/production/gear.
func (s Storage) Key(object runtime.Object) (string, error) {
	x, err := openObject(object)
	if err != nil {
		return "", err
	}
	return s.key(x), nil
}

func (s Storage) adds(string) bool { return s.AddManagedFields }

// A stored is an object as it is in etcd.
type stored struct {
	resource string // as an EncryptionConfiguration names it
	key      string
	size     int
	managed  bool // has managedFields of its own
	hidden   int  // the bytes that AddManagedFields adds or would add, if they were asked for
}

// stored returns the object as it is in etcd. estimate says whether to estimate the managedFields
// that an object of that resource lacks.
func (s Storage) stored(object runtime.Object, estimate func(resource string) bool) (stored, error) {
	x, err := openObject(object)
	if err != nil {
		return stored{}, err
	}
	o := stored{resource: s.resourceOf(x.kind).String(), key: s.key(x), managed: len(x.access.GetManagedFields()) > 0}
	plain, err := x.encodedSize()
	if err != nil {
		return stored{}, err
	}
	if !o.managed && estimate(o.resource) {
		if o.hidden, err = x.managedFieldsSize(plain); err != nil {
			return stored{}, err
		}
		if s.AddManagedFields {
			plain += o.hidden
		}
	}
	e, err := s.encryptionOf(o.resource)
	if err != nil {
		return stored{}, err
	}
	o.size = e.Bytes(plain)
	return o, nil
}

// resourceOf returns the resource of a kind.
func (s Storage) resourceOf(kind schema.GroupVersionKind) schema.GroupResource {
	if kind.Group == "events.k8s.io" {
		return schema.GroupResource{Resource: "events"} // one resource in two groups, stored once
	}
	if plural := s.Plurals[kind.GroupKind()]; plural != "" {
		return schema.GroupResource{Group: kind.Group, Resource: plural}
	}
	return schema.GroupResource{Group: kind.Group, Resource: pluralOf(kind.Kind)}
}

// pluralOf guesses the plural of a kind. It is right for all kinds of k8s.io/api.
func pluralOf(kind string) string {
	name := strings.ToLower(kind)
	switch {
	case name == "" || name == "endpoints":
		return name
	case hasSuffix(name, "s", "x", "z", "ch", "sh"):
		return name + "es"
	case hasSuffix(name, "y") && !hasSuffix(name, "ay", "ey", "iy", "oy", "uy"):
		return strings.TrimSuffix(name, "y") + "ies"
	}
	return name + "s"
}

func hasSuffix(name string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}

func (s Storage) key(x opened) string {
	resource := s.resourceOf(x.kind)
	return s.keyOf(resource, builtIn(resource.Group), x.access.GetNamespace(), x.access.GetName())
}

// builtIn reports whether a group's keys have no group in them.
func builtIn(group string) bool { return known.IsGroupRegistered(group) }

func (s Storage) keyOf(resource schema.GroupResource, builtIn bool, namespace, name string) string {
	root := s.Prefix
	if root == "" {
		root = "/registry"
	}
	parts := []string{"/" + strings.Trim(root, "/")}
	special, ok := prefixes[resource]
	switch {
	case ok:
		parts = append(parts, special)
	case builtIn:
		parts = append(parts, resource.Resource)
	default:
		parts = append(parts, resource.Group, resource.Resource)
	}
	if namespace != "" {
		parts = append(parts, namespace)
	}
	return strings.Join(append(parts, name), "/")
}

// encryptionOf returns the provider that writes a resource.
func (s Storage) encryptionOf(resource string) (Encryption, error) {
	group := schema.ParseGroupResource(resource).Group
	for _, name := range []string{resource, "*." + group, "*.*"} {
		e, ok := s.Encryption[name]
		if !ok {
			continue
		}
		if err := e.Check(fmt.Sprintf("Storage.Encryption[%q]", name)); err != nil {
			return Encryption{}, err
		}
		return e, nil
	}
	return Encryption{}, nil
}
