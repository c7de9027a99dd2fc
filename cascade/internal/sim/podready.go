package sim

import "time"

// A kubelet's status manager reconciles its pods every 10 s. It takes back what the node lifecycle
// controller has written into them. Each pod costs a quorum GET and a PATCH, one after the other.

// podsWake begins to reconcile the pods of a node, if any is marked not ready.
func (ks *kubelets) podsWake(i int32) {
	k := &ks.list[i]
	if k.patching || k.silent || ks.nodes[i].marked == 0 {
		return
	}
	k.patching = true
	ks.at(ks.now+time.Duration(ks.draws.Float()*float64(statusPeriod)), evPods, i, 0)
}

// podsRound reconciles the next pod that is marked not ready.
func (ks *kubelets) podsRound(i int32) {
	k := &ks.list[i]
	if k.silent || ks.nodes[i].marked == 0 {
		k.patching = false
		return
	}
	ks.askVia(&ks.limits[i], forPodGet, i, 0)
}

// podGetReply goes on after the GET of a pod.
func (ks *kubelets) podGetReply(i int32, c code) {
	if c != ok {
		ks.at(ks.now+statusPeriod, evPods, i, 0)
		return
	}
	ks.askVia(&ks.limits[i], forPodReady, i, 0)
}

// podReadyReply goes on after the PATCH of a pod.
func (ks *kubelets) podReadyReply(i int32, c code) {
	if c != ok {
		ks.at(ks.now+statusPeriod, evPods, i, 0)
		return
	}
	ks.podsRound(i)
}
