package sim

import (
	"time"
)

// The Node status loop (kubelet_node_status.go): every 10 s it reads its Node from the API server's cache, and writes if
// the conditions stored there differ from its own or five minutes have passed. Only rounds that write are simulated.

const statusPeriod, statusReport = 10 * time.Second, 5 * time.Minute

// statusWake plans the first round at or after a time. Rounds are 10 to 10.4 s apart and no two nodes' are in step, so
// that is up to a period later.
func (ks *kubelets) statusWake(i int32, notBefore time.Duration) {
	k := &ks.list[i]
	if k.silent || k.statusOut {
		return
	}
	k.statusGen++
	ks.at(max(notBefore, ks.now)+time.Duration(ks.draws.Float()*1.02*float64(statusPeriod)), evStatus, i, k.statusGen)
}

func (ks *kubelets) statusRound(i int32) {
	k := &ks.list[i]
	if k.silent {
		return
	}
	if !ks.statusDiffers(i) && ks.now-k.reported < statusReport {
		ks.statusWake(i, k.reported+statusReport)
		return
	}
	k.statusOut, k.statusTries = true, 0
	ks.ask(forStatus, i, 0)
}

func (ks *kubelets) statusReply(i int32, c code) {
	k := &ks.list[i]
	if k.silent {
		k.statusOut = false
		return
	}
	if c == ok {
		k.statusOut = false
		k.reported = ks.now
		next := ks.now + statusReport
		if ks.statusDiffers(i) {
			next = ks.now + statusPeriod
		}
		ks.statusWake(i, next)
		return
	}
	ks.statusAgain(i)
}

func (ks *kubelets) statusAgain(i int32) {
	k := &ks.list[i]
	k.statusTries++
	if k.statusTries < leaseTries {
		ks.ask(forStatusGet, i, 0)
		return
	}
	k.statusOut = false
	if ks.servers.none() {
		k.statusParked = ks.now
		return
	}
	ks.statusWake(i, ks.now+statusPeriod)
}

func (ks *kubelets) statusGetReply(i int32, c code) {
	if ks.list[i].silent {
		ks.list[i].statusOut = false
		return
	}
	if c != ok {
		ks.statusAgain(i)
		return
	}
	if !ks.statusDiffers(i) && ks.now-ks.list[i].reported < statusReport {
		ks.list[i].statusOut = false
		ks.statusWake(i, ks.list[i].reported+statusReport)
		return
	}
	ks.ask(forStatus, i, 0)
}

// Pod status: the status manager reconciles every 10 s; each pod costs a quorum GET and a PATCH, one after the other.

func (ks *kubelets) podsWake(i int32) {
	k := &ks.list[i]
	if k.patching || k.silent || ks.nodes[i].marked == 0 {
		return
	}
	k.patching = true
	ks.at(ks.now+time.Duration(ks.draws.Float()*float64(statusPeriod)), evPods, i, 0)
}

func (ks *kubelets) podsRound(i int32) {
	k := &ks.list[i]
	if k.silent || ks.nodes[i].marked == 0 {
		k.patching = false
		return
	}
	ks.askVia(&ks.limits[i], forPodGet, i, 0)
}

func (ks *kubelets) podGetReply(i int32, c code) {
	if c != ok {
		ks.at(ks.now+statusPeriod, evPods, i, 0)
		return
	}
	ks.askVia(&ks.limits[i], forPodReady, i, 0)
}

func (ks *kubelets) podReadyReply(i int32, c code) {
	if c != ok {
		ks.at(ks.now+statusPeriod, evPods, i, 0)
		return
	}
	ks.podsRound(i)
}

// statusDiffers tells whether the Node's stored condition is not what the kubelet finds.
func (ks *kubelets) statusDiffers(i int32) bool { return ks.nodes[i].notReady != ks.list[i].unhealthy }

// statusLanded is a Node status of the kubelet's in etcd.
func (ks *kubelets) statusLanded(i int32) {
	n := &ks.nodes[i]
	switch {
	case !ks.statusDiffers(i):
	case n.notReady:
		n.probed = ks.now
		ks.life.becameReady(i)
	default:
		ks.life.becameNotReady(i)
		n.retry = true // the controller's next pass marks its pods
	}
}
