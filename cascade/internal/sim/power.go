package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// powerOff takes the power from the first n nodes for so long. All that runs there is gone. In
// etcd these pods stay Ready until the node lifecycle controller marks them. With the power back
// the kubelet makes every sandbox anew (kuberuntime_manager.go, SandboxChanged).
func (ks *kubelets) powerOff(n int, length time.Duration) {
	ks.calm.wake()
	ks.note(story.NodesDown, itoa(n)+" nodes", story.ByScenario)
	for i := range int32(n) {
		ks.silence(i)
		for range ks.pods.plain(i) {
			ks.pods.take(i, podServing)
		}
		for at := ks.pods.away[i].slots; at > 0; at = ks.pods.slots[at-1].next {
			p := &ks.pods.slots[at-1]
			if p.phase != podBinding {
				ks.pods.ceases(at-1, podPreparing)
				p.step, p.parked, p.since = 0, true, ks.now
				p.turn++
			}
		}
		ks.at(ks.now+length, evPower, i, ks.list[i].leaseGen)
	}
	ks.users.changed()
}

// powerOn boots a node.
func (ks *kubelets) powerOn(node int32) {
	ks.note(story.NodesUp, "", story.ByScenario)
	for at := ks.pods.away[node].slots; at > 0; at = ks.pods.slots[at-1].next {
		ks.pods.slots[at-1].owed = ks.pods.slots[at-1].phase != podBinding
	}
	ks.awake(node)
}
