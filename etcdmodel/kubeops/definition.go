package kubeops

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var definitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// hoisted are the fields that versions of a definition share: where all are equal, v1beta1 has them
// once, in the spec, under these names.
var hoisted = map[string]string{
	"schema": "validation", "subresources": "subresources", "additionalPrinterColumns": "additionalPrinterColumns",
	"selectableFields": "selectableFields",
}

// storedDefinition changes a CustomResourceDefinition of v1 into the form in which v1.37 still
// stores it, v1beta1 (apiextensions-apiserver's pkg/apiserver/apiserver.go:282, conversions in
// pkg/apis/apiextensions/v1/conversion.go).
func storedDefinition(u *unstructured.Unstructured) {
	spec, _ := u.Object["spec"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	if u.GroupVersionKind().Version != "v1" || len(versions) == 0 {
		return
	}
	u.SetAPIVersion("apiextensions.k8s.io/v1beta1")
	var all []map[string]any
	for _, v := range versions {
		version, ok := v.(map[string]any)
		if !ok {
			return // nothing that an API server would take
		}
		all = append(all, version)
	}
	spec["version"] = all[0]["name"]
	if _, ok := spec["preserveUnknownFields"]; !ok {
		spec["preserveUnknownFields"] = false
	}
	for field, name := range hoisted {
		hoist(spec, all, field, name)
	}
	conversion, _ := spec["conversion"].(map[string]any)
	webhook, _ := conversion["webhook"].(map[string]any)
	if webhook != nil {
		delete(conversion, "webhook")
		for from, to := range map[string]string{
			"clientConfig": "webhookClientConfig", "conversionReviewVersions": "conversionReviewVersions",
		} {
			if v, ok := webhook[from]; ok {
				conversion[to] = v
			}
		}
	}
}

// hoist moves a field that all versions have alike to the spec.
func hoist(spec map[string]any, versions []map[string]any, field, name string) {
	first, ok := versions[0][field]
	for _, v := range versions {
		if !ok || !reflect.DeepEqual(v[field], first) {
			return
		}
	}
	spec[name] = first
	for _, v := range versions {
		delete(v, field)
	}
}
