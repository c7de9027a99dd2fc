package sim

import (
	"time"
)

// The Node status loop (kubelet_node_status.go). Every 10 s a kubelet reads its Node from the API
// server's cache. It writes if the conditions stored there differ from its own, or if five minutes
// have passed. Only rounds that write are simulated.
const (
	statusPeriod = 10 * time.Second
	statusReport = 5 * time.Minute
)

// statusDiffers reports whether the stored Ready condition is not what the kubelet finds.
func (ks *kubelets) statusDiffers(i int32) bool { return ks.nodes[i].notReady != ks.list[i].unhealthy }

// statusWake plans the first round that is not before a time. Rounds are 10 to 10.4 s apart and no
// two nodes' are in step. So that round is up to a period later.
func (ks *kubelets) statusWake(i int32, notBefore time.Duration) {
	k := &ks.list[i]
	if k.silent || k.statusOut {
		return
	}
	k.statusGen++
	ks.at(max(notBefore, ks.now)+time.Duration(ks.draws.Float()*1.02*float64(statusPeriod)), evStatus, i, k.statusGen)
}

// statusRound writes the Node's status if there is something to write.
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

// statusReply goes on after a PATCH of the Node's status.
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

// statusAgain GETs the Node before another try, at most five times a round.
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

// statusGetReply goes on after a GET of the Node. There may be nothing left to write.
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

// statusLanded handles a kubelet's Node status that has landed. If the node is NotReady by its own
// word, the controller's next pass marks its pods.
func (ks *kubelets) statusLanded(i int32) {
	n := &ks.nodes[i]
	switch {
	case !ks.statusDiffers(i):
	case n.notReady:
		n.probed = ks.now
		ks.life.becameReady(i)
	default:
		ks.life.becameNotReady(i)
		n.retry = true
	}
}
