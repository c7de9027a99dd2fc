package retry

import (
	"fmt"

	"github.com/redline-go/redline/kube"
)

// Version is the release of kube-scheduler and of the controllers that feed it. Zero means the
// newest modelled.
type Version = kube.Version

// The modelled releases: the one of incident 8829, and the one whose controllers this module
// models. validation/controlplane runs the schedulers of both.
const (
	// V1_29 has no queueing hints: an event that any rejecting plugin has registered for wakes
	// the pod, after preCheckForNode has dropped updates of nodes that the pod would not fit
	// on. A pod waits for its whole backoff.
	V1_29 = kube.V1_29
	// V1_37 asks each rejecting plugin's hint, and takes a pod out of its backoff early when
	// nothing else is to be scheduled (SchedulerPopFromBackoffQ, on since v1.33).
	V1_37 = kube.V1_37
)

// Modelled returns the releases that this package models, oldest first.
func Modelled() []Version { return []Version{V1_29, V1_37} }

// resolve returns the modelled release whose behaviour v has.
func resolve(v Version) (Version, error) {
	resolved, err := v.In("retry: Version", Modelled())
	if err != nil {
		return 0, fmt.Errorf("%w (%w)", err, ErrInput)
	}
	return resolved, nil
}

// popsFromBackoff reports whether an idle scheduler takes pods out of their backoff.
func popsFromBackoff(v Version) bool { return v != V1_29 }
