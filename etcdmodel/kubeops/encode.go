package kubeops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// An opened is an object in the form in which it is stored: typed if it becomes protobuf,
// unstructured if it becomes JSON. It is a copy, of which the resource version is gone.
type opened struct {
	kind   schema.GroupVersionKind
	object runtime.Object
	access metav1.Object
}

// openObject takes objects of k8s.io/api, unstructured ones, *runtime.Unknown with JSON in it, and
// a user's own types that say their kind.
func openObject(object runtime.Object) (opened, error) {
	if v := reflect.ValueOf(object); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return opened{}, fmt.Errorf("%w: object is nil, want one of k8s.io/api or a custom resource", ErrObject)
	}
	if meta.IsListType(object) {
		return opened{}, fmt.Errorf("%w: %T is a list, want one object of it", ErrObject, object)
	}
	switch o := object.(type) {
	case *runtime.Unknown:
		return openUnknown(o)
	case *unstructured.Unstructured:
		if o.Object == nil {
			return opened{}, fmt.Errorf("%w: object is an empty *unstructured.Unstructured, want one with a kind", ErrObject)
		}
		return copied(o.Object)
	}
	kinds, _, err := known.ObjectKinds(object)
	if err == nil {
		return openTyped(object.DeepCopyObject(), kinds[0])
	}
	kind := object.GetObjectKind().GroupVersionKind()
	if kind.Kind == "" || !strings.Contains(kind.Group, ".") {
		return opened{}, fmt.Errorf("%w: %T is not of a group that this package knows, and its apiVersion and kind are "+
			"%q and %q, want those of a custom resource: %w", ErrObject, object, kind.GroupVersion(), kind.Kind, err)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return opened{}, fmt.Errorf("%w: %v: %w", ErrObject, kind, err)
	}
	return copied(fields)
}

// copied opens a copy of an unstructured object. The copy goes by JSON, since DeepCopy panics at
// what no JSON decoder makes, such as an int of Go.
func copied(object map[string]any) (opened, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return opened{}, fmt.Errorf("%w: *unstructured.Unstructured has what is no JSON: %w", ErrObject, err)
	}
	return openUnknown(&runtime.Unknown{Raw: raw})
}

func openUnknown(o *runtime.Unknown) (opened, error) {
	named := strings.TrimSpace(o.APIVersion + " " + o.Kind)
	if o.ContentType != "" && o.ContentType != runtime.ContentTypeJSON {
		return opened{}, fmt.Errorf("%w: *runtime.Unknown %s has ContentType %q, want %q", ErrObject, named, o.ContentType,
			runtime.ContentTypeJSON)
	}
	fields := map[string]any{}
	if err := utiljson.Unmarshal(o.Raw, &fields); err != nil {
		return opened{}, fmt.Errorf("%w: *runtime.Unknown %s has Raw of %d bytes, want a JSON object: %w", ErrObject, named,
			len(o.Raw), err)
	}
	u := &unstructured.Unstructured{Object: fields}
	if u.GetAPIVersion() == "" && u.GetKind() == "" {
		u.SetAPIVersion(o.APIVersion)
		u.SetKind(o.Kind)
	}
	return openUnstructured(u)
}

// openUnstructured makes a typed object of the kinds that are stored as protobuf.
func openUnstructured(u *unstructured.Unstructured) (opened, error) {
	kind := u.GroupVersionKind()
	if kind.Kind == "" || kind.Version == "" {
		return opened{}, fmt.Errorf("%w: object has apiVersion %q and kind %q, want both", ErrObject, u.GetAPIVersion(),
			u.GetKind())
	}
	if known.Recognizes(kind) {
		typed, err := known.New(kind)
		if err == nil {
			err = runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, typed)
		}
		if err != nil {
			return opened{}, fmt.Errorf("%w: %v: %w", ErrObject, kind, err)
		}
		return openTyped(typed, kind)
	}
	if known.IsGroupRegistered(kind.Group) || !strings.Contains(kind.Group, ".") {
		return opened{}, fmt.Errorf("%w: %v is of a built-in group, in a version or kind that kube-apiserver v1.37 "+
			"does not store by default, want one that it does", ErrObject, kind)
	}
	u.SetResourceVersion("")
	u.SetSelfLink("")
	if kind.GroupKind() == definitionKind {
		storedDefinition(u)
	}
	return named(opened{kind, u, u})
}

func openTyped(object runtime.Object, kind schema.GroupVersionKind) (opened, error) {
	if e, ok := object.(*eventsv1.Event); ok {
		object, kind = coreEvent(e), corev1.SchemeGroupVersion.WithKind("Event")
	}
	access, err := meta.Accessor(object)
	if err != nil {
		return opened{}, fmt.Errorf("%w: %v: %w", ErrObject, kind, err)
	}
	access.SetResourceVersion("")
	access.SetSelfLink("")
	object.GetObjectKind().SetGroupVersionKind(kind)
	return named(opened{kind, object, access})
}

func named(x opened) (opened, error) {
	if x.access.GetName() == "" {
		return opened{}, fmt.Errorf("%w: %v has metadata.name \"\", want a name", ErrObject, x.kind.Kind)
	}
	return x, nil
}

// coreEvent returns an event of events.k8s.io/v1 as it is stored: as one of core/v1
// (pkg/apis/events/v1/conversion.go).
func coreEvent(e *eventsv1.Event) *corev1.Event {
	out := &corev1.Event{
		ObjectMeta: e.ObjectMeta, InvolvedObject: e.Regarding, Related: e.Related, Reason: e.Reason, Message: e.Note,
		Source: e.DeprecatedSource, FirstTimestamp: e.DeprecatedFirstTimestamp, LastTimestamp: e.DeprecatedLastTimestamp,
		Count: e.DeprecatedCount, Type: e.Type, EventTime: e.EventTime, Action: e.Action,
		ReportingController: e.ReportingController, ReportingInstance: e.ReportingInstance,
	}
	if e.Series != nil {
		out.Series = &corev1.EventSeries{Count: e.Series.Count, LastObservedTime: e.Series.LastObservedTime}
	}
	return out
}

// encodedSize returns the bytes of the object before it is encrypted.
func (x opened) encodedSize() (int, error) {
	var out bytes.Buffer
	if u, ok := x.object.(*unstructured.Unstructured); ok {
		// What UnstructuredJSONScheme does, which the storage of custom resources uses
		// (apiextensions-apiserver's pkg/cmd/server/options/options.go:141): the keys in order, <, >
		// and & escaped, and a line's end.
		if err := json.NewEncoder(&out).Encode(u.Object); err != nil {
			return 0, fmt.Errorf("%w: %v: %w", ErrObject, x.kind, err)
		}
		return out.Len(), nil
	}
	if err := protobuf.NewSerializer(known, known).Encode(x.object, &out); err != nil {
		return 0, fmt.Errorf("%w: %v: %w", ErrObject, x.kind, err)
	}
	return out.Len(), nil
}
