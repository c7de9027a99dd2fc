package hpa

import "github.com/redline-go/redline/kube"

// Version is the release of kube-controller-manager. Zero means the newest modelled.
type Version = kube.Version

// The modelled releases. validation/hpa runs the real controller of v1.37 beside the model.
const (
	// V1_29 has one tolerance for both directions, compares it as |1 - ratio|, and keeps at
	// least one replica (HPAScaleToZero is off).
	V1_29 = kube.V1_29
	// V1_37 has a tolerance for each direction of each HPA, and scales to zero on an Object or
	// External metric.
	V1_37 = kube.V1_37
)

// Modelled returns the releases that this package models, oldest first.
func Modelled() []Version { return []Version{V1_29, V1_37} }
