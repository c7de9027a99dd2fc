package cascade

import "time"

// A node's container runtime that hangs: the kubelet's PLEG cannot list the containers any more, and says so when its last relist is three
// minutes old. The kubelet goes on renewing its Lease, so that the node is NotReady by its own word (Ready=False), not by the controller's
// (Unknown); its status manager also goes on, and takes back what the controller then writes into its pods.

// plegPatience is genericPlegRelistThreshold (pkg/kubelet/kubelet.go, v1.29.2 and v1.37.2).
const plegPatience = 3 * time.Minute

// stall hangs the runtimes of the first n nodes for so long.
func (p *plane) stall(n int, length time.Duration) {
	p.note(RuntimeStalls, itoa(n)+" nodes", ByScenario)
	for i := range min(n, len(p.kubelets)) {
		k := &p.kubelets[i]
		k.stalls++
		k.stalled = true
		if length > plegPatience {
			p.queue.Push(p.now+plegPatience, evStall, int32(i), k.stalls)
		}
		p.queue.Push(p.now+length, evRelist, int32(i), k.stalls)
	}
}

// plegFails and relisted change what the kubelet says of itself; its next status round writes it.
func (p *plane) plegFails(i int32) {
	if k := &p.kubelets[i]; !k.unhealthy {
		k.unhealthy = true
		p.rec.plegFails++
	}
	p.statusWake(i, p.now)
}

func (p *plane) relisted(i int32) {
	p.kubelets[i].stalled, p.kubelets[i].unhealthy = false, false
	p.unparkPods(i)
	p.statusWake(i, p.now)
}

// statusDiffers tells whether the Node's stored condition is not what the kubelet finds.
func (p *plane) statusDiffers(i int32) bool { return p.nodes[i].notReady != p.kubelets[i].unhealthy }

// statusLanded is a Node status of the kubelet's in etcd.
func (p *plane) statusLanded(i int32) {
	n := &p.nodes[i]
	switch {
	case !p.statusDiffers(i):
	case n.notReady:
		n.probed = p.now
		p.becameReady(i)
	default:
		p.becameNotReady(i)
		n.retry = true // the controller's next pass marks its pods
	}
}
