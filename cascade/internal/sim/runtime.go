package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// silenceAll stops every kubelet from talking.
func (ks *kubelets) silenceAll() {
	ks.calm.wake()
	ks.note(story.KubeletsSilent, "", story.ByScenario)
	for i := range ks.list {
		ks.silence(int32(i))
	}
}

// awakeAll starts every kubelet.
func (ks *kubelets) awakeAll() {
	ks.note(story.KubeletsAwake, "", story.ByScenario)
	for i := range ks.list {
		ks.awake(int32(i))
	}
}

func (ks *kubelets) silence(i int32) {
	k := &ks.list[i]
	k.silent = true
	k.leaseGen++
	k.statusGen++
}

// awake starts a kubelet within 10 s: it reads its Lease, reports its status and that of its pods.
func (ks *kubelets) awake(i int32) {
	k := &ks.list[i]
	k.silent, k.statusOut, k.patching, k.waiting = false, false, false, true
	k.parked, k.statusParked = 0, 0
	k.again, k.ensured, k.sleep = false, true, 100*time.Millisecond
	start := ks.now + time.Duration(ks.draws.Float()*float64(ks.s.Leases.Renew))
	ks.at(start, evLeaseGet, i, k.leaseGen)
	k.statusGen++
	k.reported = -statusReport
	ks.at(start, evStatus, i, k.statusGen)
	ks.podsWake(i)
	ks.pods.unpark(i)
}

// A node's container runtime that hangs: the kubelet's PLEG cannot list the containers any more, and says so when its last relist is three
// minutes old. The kubelet goes on renewing its Lease, so that the node is NotReady by its own word (Ready=False), not by the controller's
// (Unknown); its status manager also goes on, and takes back what the controller then writes into its pods.

// plegPatience is genericPlegRelistThreshold (pkg/kubelet/kubelet.go, v1.29.2 and v1.37.2).
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

// plegFails and relisted change what the kubelet says of itself; its next status round writes it.
func (ks *kubelets) plegFails(i int32) {
	if k := &ks.list[i]; !k.unhealthy {
		k.unhealthy = true
		ks.rec.plegFails++
	}
	ks.statusWake(i, ks.now)
}

func (ks *kubelets) relisted(i int32) {
	ks.list[i].stalled, ks.list[i].unhealthy = false, false
	ks.pods.unpark(i)
	ks.statusWake(i, ks.now)
}
