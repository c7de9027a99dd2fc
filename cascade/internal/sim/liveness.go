package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// Pods at their CPU limit answer late, and a liveness probe that asks them fails. After three
// failures in a row, 10 s apart (pkg/apis/core/v1/defaults.go, SetDefaults_Probe), the kubelet
// kills the container and starts it again, as after a crash.
//
// All living pods have the same load, and their probes are spread over the period. So they are
// killed one after the other, and each leaves more load to the others.
const (
	probePeriod   = 10 * time.Second
	probeFailures = 3
)

// overloaded makes liveness probes fail while the pods are at their CPU limits.
func (us *users) overloaded(now bool) {
	if !us.s.Pods.Liveness || now == us.over {
		return
	}
	us.over = now
	us.overGen++
	if now {
		us.at(us.now+(probeFailures-1)*probePeriod+us.nextProbe(), evUnhealthy, 0, us.overGen)
	}
}

// nextProbe returns the time between the probes of two pods.
func (us *users) nextProbe() time.Duration {
	return probePeriod / time.Duration(max(1, us.pods.running-us.pods.idle))
}

// unhealthy kills the container of a pod that has had its failures, and comes to the next pod.
func (us *users) unhealthy() {
	if i, found := us.unhealthyPod(); found {
		us.pods.postEvents(i, probeFailures+1) // Unhealthy, then Killing
		us.pods.exits(i, story.ByOverload)
	}
	if us.over {
		us.at(us.now+us.nextProbe(), evUnhealthy, 0, us.overGen)
	}
}

// unhealthyPod returns a pod that has served for long enough to fail its probes: one without a
// slot, or one that came back long ago.
func (us *users) unhealthyPod() (int32, bool) {
	for k := range us.nodes {
		i := int32((us.probed + k) % len(us.nodes))
		if us.pods.plain(i) > 0 {
			us.probed = int(i) + 1
			return us.pods.take(i, podServing), true
		}
	}
	for i := range us.pods.slots {
		if p := &us.pods.slots[i]; p.serves() && us.now-p.served >= (probeFailures-1)*probePeriod {
			return int32(i), true
		}
	}
	return 0, false
}
