package oracle

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"
)

// playPods answers preemption's requests about pods, which the client does not have. It notes
// deletions and takes patches.
func (b *bench) playPods(a clienttesting.Action) (bool, runtime.Object, error) {
	switch a := a.(type) {
	case clienttesting.DeleteAction:
		if p := b.pods[a.GetNamespace()+"/"+a.GetName()]; p != nil {
			b.evicted = append(b.evicted, p)
		}
		return true, nil, nil
	case clienttesting.PatchAction:
		return true, &corev1.Pod{}, nil
	}
	return false, nil, nil
}

// newVersion gives an object that is being written the next resource version, which the fake client
// does not.
func (b *bench) newVersion(a clienttesting.Action) (bool, runtime.Object, error) {
	m, err := meta.Accessor(a.(clienttesting.UpdateAction).GetObject())
	if err != nil {
		return true, nil, err
	}
	b.version++
	m.SetResourceVersion(strconv.Itoa(1000 + b.version))
	return false, nil, nil
}

// maxRounds is more than any pod needs.
const maxRounds = 20

// rounds tries a pod again as kube-scheduler's queue would, after PostFilter has changed something
// for it: a claim was deallocated, or pods evicted if that is wanted.
func (b *bench) rounds(ctx context.Context, p *corev1.Pod, evict bool) (Outcome, error) {
	var evicted []string
	for range maxRounds {
		b.evicted, b.nominated = nil, ""
		before := b.allocated(p)
		out, err := b.one(ctx, p)
		out.Evicted = evicted
		if err != nil || out.Node != "" {
			return out, err
		}
		switch {
		case evict && b.nominated != "":
			for _, v := range b.evicted {
				evicted = append(evicted, v.Namespace+"/"+v.Name)
				if err := b.remove(v); err != nil {
					return out, err
				}
			}
			b.nominate(p)
		case strings.Contains(out.Message, "deallocation of ResourceClaim completed"):
			if err := waitFor(ctx, func() bool { return b.allocated(p) < before }); err != nil {
				return out, err
			}
			// The cache of claims tells those that count devices a moment later.
			time.Sleep(20 * time.Millisecond)
		default:
			return out, nil
		}
	}
	return Outcome{}, fmt.Errorf("oracle: pod %s/%s: no end after %d rounds", p.Namespace, p.Name, maxRounds)
}

// allocated counts the claims that the plugins know to be allocated. Their cache follows the
// informer's store.
func (b *bench) allocated(p *corev1.Pod) (n int) {
	fw, ok := b.s.Profiles[p.Spec.SchedulerName]
	if !ok || fw.SharedDRAManager() == nil {
		return 0
	}
	claims, err := fw.SharedDRAManager().ResourceClaims().List()
	if err != nil {
		return 0
	}
	for _, c := range claims {
		if c.Status.Allocation != nil {
			n++
		}
	}
	return n
}

// remove ends an evicted pod.
func (b *bench) remove(p *corev1.Pod) error {
	delete(b.pods, p.Namespace+"/"+p.Name)
	if err := b.s.Cache.RemovePod(b.log, p); err != nil {
		return err
	}
	return b.factory.Core().V1().Pods().Informer().GetStore().Delete(p)
}

// nominate promises the place to the pod. Others of lower priority that were promised it must look
// elsewhere.
func (b *bench) nominate(p *corev1.Pod) {
	p.Status.NominatedNodeName = b.nominated
	for _, q := range slices.Clone(b.s.SchedulingQueue.NominatedPodsForNode(b.nominated)) {
		if schedPriority(q.GetPod()) < schedPriority(p) {
			b.s.SchedulingQueue.DeleteNominatedPodIfExists(q.GetPod())
		}
	}
	if pi, err := framework.NewPodInfo(p); err == nil {
		b.s.SchedulingQueue.AddNominatedPod(b.log, pi, nil)
	}
}

func schedPriority(p *corev1.Pod) int32 {
	if p.Spec.Priority == nil {
		return 0
	}
	return *p.Spec.Priority
}

// refusal words Reserve's refusal as kube-scheduler does: of one node if it was a verdict.
func refusal(p *corev1.Pod, node string, st *fwk.Status) error {
	if !st.IsRejected() {
		return st.AsError()
	}
	fe := &framework.FitError{NumAllNodes: 1, Pod: p,
		Diagnosis: framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}}
	fe.Diagnosis.NodeToStatus.Set(node, st)
	return fe
}

// asksForExtended reports whether PreBind may want to create a claim for the pod. Its name would be
// one that the fake API server does not generate.
func asksForExtended(p *corev1.Pod) bool {
	for i := range p.Spec.Containers {
		for name := range p.Spec.Containers[i].Resources.Requests {
			if schedutil.IsDRAExtendedResourceName(name) {
				return true
			}
		}
	}
	return false
}
