package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// silenceAll makes every kubelet silent.
func (ks *kubelets) silenceAll() {
	ks.calm.wake()
	ks.note(story.KubeletsSilent, "", story.ByScenario)
	for i := range ks.list {
		ks.silence(int32(i))
	}
}

// silence makes a kubelet silent.
func (ks *kubelets) silence(i int32) {
	k := &ks.list[i]
	k.silent = true
	k.leaseGen++
	k.statusGen++
}

// awakeAll starts every kubelet.
func (ks *kubelets) awakeAll() {
	ks.note(story.KubeletsAwake, "", story.ByScenario)
	for i := range ks.list {
		ks.awake(int32(i))
	}
}

// awake starts a kubelet within one renewal interval of its Lease, 10 s by default. It reads its
// Lease, then reports its status and that of its pods.
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
