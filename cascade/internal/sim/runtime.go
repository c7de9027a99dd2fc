package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// plegPatience is the age of the last relist from which on PLEG is unhealthy
// (genericPlegRelistThreshold, pkg/kubelet/kubelet.go, v1.29.2 and v1.37.2).
//
// A kubelet whose container runtime hangs cannot list its containers any more. It still renews its
// Lease. So its node is NotReady by its own word (Ready=False), not by the controller's (Unknown).
// Its status manager goes on too, and takes back what the controller then writes into its pods.
const plegPatience = 3 * time.Minute

// stall hangs the runtimes of the first n nodes for so long.
func (ks *kubelets) stall(n int, length time.Duration) {
	ks.calm.wake()
	ks.note(story.RuntimeStalls, itoa(n)+" nodes", story.ByScenario)
	for i := range min(n, len(ks.list)) {
		k := &ks.list[i]
		k.stalls++
		k.stalled = true
		if length > plegPatience {
			ks.at(ks.now+plegPatience, evStall, int32(i), k.stalls)
		}
		ks.at(ks.now+length, evRelist, int32(i), k.stalls)
	}
}

// plegFails makes a kubelet find its runtime unhealthy. Its next status round writes that.
func (ks *kubelets) plegFails(i int32) {
	if k := &ks.list[i]; !k.unhealthy {
		k.unhealthy = true
		ks.rec.plegFails++
	}
	ks.statusWake(i, ks.now)
}

// relisted ends a hang of a node's runtime. The kubelet's next status round writes that.
func (ks *kubelets) relisted(i int32) {
	ks.list[i].stalled, ks.list[i].unhealthy = false, false
	ks.pods.unpark(i)
	ks.statusWake(i, ks.now)
}
