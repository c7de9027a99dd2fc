package kubeops

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// managedFieldsSize estimates the bytes of the managedFields that an object would have, as if one
// writer had set its metadata and spec and another its status. plain is the size without them.
//
// A field's name stands there as "f:name":{}, an element of a list by its key. What the schema says
// of lists is not known here, so an element is known by its name, type, uid, key, ip or port, as
// most are, and other lists are whole. What admission and the API server set themselves has no
// owner and is left out.
func (x opened) managedFieldsSize(plain int) (int, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(x.object)
	if err != nil {
		return 0, fmt.Errorf("%w: %v: %w", ErrObject, x.kind, err)
	}
	own, status := map[string]any{}, map[string]any{}
	for name, value := range fields {
		switch name {
		case "apiVersion", "kind":
		case "metadata":
			if m := metadataOf(value); len(m) > 0 {
				own["f:metadata"] = fieldsOf(m)
			}
		case "status":
			if m, ok := value.(map[string]any); ok && len(m) > 0 {
				status["f:status"] = fieldsOf(m)
			}
		default:
			own["f:"+name] = fieldsOf(value)
		}
	}
	var entries []metav1.ManagedFieldsEntry
	for _, of := range []struct {
		manager, sub string
		fields       map[string]any
	}{{"kube-controller-manager", "", own}, {"kubelet", "status", status}} {
		if len(of.fields) == 0 {
			continue
		}
		raw, err := json.Marshal(of.fields)
		if err != nil {
			return 0, fmt.Errorf("%w: %v: %w", ErrObject, x.kind, err)
		}
		entries = append(entries, managed(of.manager, x.kind.GroupVersion().String(), string(raw), of.sub))
	}
	// An unstructured object keeps what is set as a deep copy, a typed one as it is.
	y := x
	if u, ok := x.object.(*unstructured.Unstructured); ok {
		copied := u.DeepCopy()
		y.object, y.access = copied, copied
	}
	y.access.SetManagedFields(entries)
	with, err := y.encodedSize()
	y.access.SetManagedFields(nil)
	return with - plain, err
}

// metadataOf returns the metadata that managedFields name.
func metadataOf(value any) map[string]any {
	out := map[string]any{}
	m, _ := value.(map[string]any)
	for _, name := range []string{"annotations", "labels", "generateName", "finalizers", "ownerReferences"} {
		if v, ok := m[name]; ok {
			out[name] = v
		}
	}
	return out
}

// elementKeys are the fields by which an element of a list is usually known, the first that it has.
var elementKeys = []string{"uid", "name", "type", "key", "ip", "containerPort", "port", "mountPath"}

// ownerless are fields that admission, a binding or the API server sets, after owners are noted
// (apiserver's pkg/endpoints/handlers/create.go), and those that a kubelet sets when it registers
// its node.
var ownerless = map[string]bool{
	"tolerations": true, "serviceAccount": true, "serviceAccountName": true, "priority": true, "preemptionPolicy": true,
	"nodeName": true, "qosClass": true, "nodeInfo": true, "addresses": true, "capacity": true, "allocatable": true,
	"daemonEndpoints": true,
}

// tokenVolumePrefix begins the name of the volume that admission adds to pods.
const tokenVolumePrefix = "kube-api-access-"

func fieldsOf(value any) map[string]any {
	out := map[string]any{}
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if !ownerless[name] {
				out["f:"+name] = fieldsOf(inner)
			}
		}
	case []any:
		for _, element := range v {
			m, ok := element.(map[string]any)
			if name, _ := m["name"].(string); strings.HasPrefix(name, tokenVolumePrefix) {
				continue
			}
			key := keyOfElement(m)
			if !ok || key == "" {
				return map[string]any{} // an atomic list, or a set: by its values
			}
			inner := fieldsOf(m)
			inner["."] = map[string]any{}
			out[key] = inner
		}
	}
	return out
}

func keyOfElement(m map[string]any) string {
	for _, name := range elementKeys {
		if v, ok := m[name]; ok {
			var b strings.Builder
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			_ = e.Encode(map[string]any{name: v})
			return "k:" + strings.TrimSpace(b.String())
		}
	}
	return ""
}
