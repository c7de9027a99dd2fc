package retry

import "fmt"

// Version is a kube-scheduler whose behaviour is modelled. Zero is v1.29.
type Version int

// The modelled versions: the one of incident 8829, and the one whose controllers this
// module models. validation/controlplane runs the schedulers of both.
const (
	// V1_29 has no queueing hints: an event that any rejecting plugin has
	// registered for wakes the pod, after preCheckForNode has dropped updates of
	// nodes that the pod would not fit on. A pod waits for its whole backoff.
	V1_29 Version = iota
	// V1_37 asks each rejecting plugin's hint, and takes a pod out of its
	// backoff early when nothing else is to be scheduled
	// (SchedulerPopFromBackoffQ, on since v1.33).
	V1_37
	versions
)

// String is the version as Kubernetes writes it.
func (v Version) String() string {
	switch v {
	case V1_29:
		return "v1.29"
	case V1_37:
		return "v1.37"
	}
	return fmt.Sprintf("Version(%d)", int(v))
}

// popsFromBackoff tells whether an idle scheduler takes pods out of their backoff.
func (v Version) popsFromBackoff() bool { return v != V1_29 }

func (v Version) check() error {
	if v < 0 || v >= versions {
		return bad("Version", int(v), "V1_29 or V1_37")
	}
	return nil
}
