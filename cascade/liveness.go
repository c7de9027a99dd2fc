package cascade

import "time"

// Pods at their CPU limit answer late, and a liveness probe that asks them fails: every 10 s, three times in a row (pkg/apis/core/v1/defaults.go,
// SetDefaults_Probe), then the kubelet kills the container and starts it again, as after a crash. All living pods have the same load; their probes
// are spread over the period, so that they are killed one after the other, and each leaves more to the others.

const (
	probePeriod   = 10 * time.Second
	probeFailures = 3
)

// overloaded follows whether the pods are at their limits.
func (p *plane) overloaded(now bool) {
	u := &p.users
	if !p.s.Pods.Liveness || now == u.over {
		return
	}
	u.over = now
	u.overGen++
	if now {
		p.queue.Push(p.now+(probeFailures-1)*probePeriod+p.nextProbe(), evUnhealthy, 0, u.overGen)
	}
}

// nextProbe is the time between two pods' probes.
func (p *plane) nextProbe() time.Duration {
	return probePeriod / time.Duration(max(1, p.running-p.idle))
}

// unhealthy kills the container of a pod that has had its failures, and comes to the next.
func (p *plane) unhealthy() {
	if i, found := p.unhealthyPod(); found {
		p.podEvents(i, probeFailures+1) // Unhealthy, then Killing
		p.podCrash(i, ByOverload)
	}
	if p.users.over {
		p.queue.Push(p.now+p.nextProbe(), evUnhealthy, 0, p.users.overGen)
	}
}

// unhealthyPod is a pod that serves for long enough: one without a slot, or one that has come back long ago.
func (p *plane) unhealthyPod() (int32, bool) {
	for k := range p.nodes {
		i := int32((p.users.probed + k) % len(p.nodes))
		if p.plainPods(i) > 0 {
			p.users.probed = int(i) + 1
			return p.newPod(i, podServing), true
		}
	}
	for i := range p.slots {
		if d := &p.slots[i]; d.serves() && p.now-d.served >= (probeFailures-1)*probePeriod {
			return int32(i), true
		}
	}
	return 0, false
}
