package scheduler

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

func errorf(format string, a ...any) error { return fmt.Errorf("scheduler: "+format, a...) }

// world is one question's copy of a cluster. The plugins see it as the scheduler's snapshot, and
// placed pods appear in it at once. Nodes are shared with the cluster until they change.
type world struct {
	base    *counted
	infos   []fwk.NodeInfo
	own     []bool // infos[i] is a copy
	pvcUses map[string]int
	names   nominations

	stale    bool // the lists below must be made anew
	affinity []fwk.NodeInfo
	anti     []fwk.NodeInfo
}

func newWorld(c *counted) *world {
	w := &world{base: c, infos: make([]fwk.NodeInfo, len(c.infos)), own: make([]bool, len(c.infos)),
		pvcUses: map[string]int{}, stale: true, names: nominations{}}
	for i, n := range c.infos {
		w.infos[i] = n
	}
	return w
}

// change returns the node's own copy.
func (w *world) change(i int) *framework.NodeInfo {
	n := w.infos[i].(*framework.NodeInfo)
	if !w.own[i] {
		n = n.SnapshotConcrete()
		w.infos[i], w.own[i] = n, true
	}
	return n
}

func (w *world) add(i int, p fwk.PodInfo) {
	w.change(i).AddPodInfo(p)
	pod := p.GetPod()
	for key := range framework.PodPVCKeys(pod) {
		w.pvcUses[key]++
	}
	if a := pod.Spec.Affinity; a != nil && (a.PodAffinity != nil || a.PodAntiAffinity != nil) {
		w.stale = true
	}
}

func (w *world) remove(i int, pod *corev1.Pod) error {
	for key := range framework.PodPVCKeys(pod) {
		w.pvcUses[key]--
	}
	w.stale = true
	return w.change(i).RemovePod(klog.Background(), pod)
}

func (w *world) refresh() {
	if !w.stale {
		return
	}
	w.affinity, w.anti, w.stale = nil, nil, false
	for _, n := range w.infos {
		if len(n.GetPodsWithAffinity()) > 0 {
			w.affinity = append(w.affinity, n)
		}
		if len(n.GetPodsWithRequiredAntiAffinity()) > 0 {
			w.anti = append(w.anti, n)
		}
	}
}

// The plugins read these listers.

func (w *world) NodeInfos() fwk.NodeInfoLister                             { return w }
func (w *world) StorageInfos() fwk.StorageInfoLister                       { return w }
func (w *world) PodGroupStates() fwk.PodGroupStateLister                   { return nil }
func (w *world) PodGroups() fwk.PodGroupLister                             { return nil }
func (w *world) CompositePodGroupStates() fwk.CompositePodGroupStateLister { return nil }
func (w *world) CompositePodGroups() fwk.CompositePodGroupLister           { return nil }

func (w *world) List() ([]fwk.NodeInfo, error) { return w.infos, nil }

func (w *world) HavePodsWithAffinityList() ([]fwk.NodeInfo, error) {
	w.refresh()
	return w.affinity, nil
}

func (w *world) HavePodsWithRequiredAntiAffinityList() ([]fwk.NodeInfo, error) {
	w.refresh()
	return w.anti, nil
}

// HavePodsWithRequiredNonHostScopedAntiAffinityList serves a feature gate that is off in v1.37.
func (w *world) HavePodsWithRequiredNonHostScopedAntiAffinityList() ([]fwk.NodeInfo, error) {
	var out []fwk.NodeInfo
	for _, n := range w.infos {
		if len(n.GetPodsWithRequiredNonHostScopedAntiAffinity()) > 0 {
			out = append(out, n)
		}
	}
	return out, nil
}

func (w *world) Get(name string) (fwk.NodeInfo, error) {
	if i, ok := w.base.index[name]; ok {
		return w.infos[i], nil
	}
	return nil, apierrors.NewNotFound(corev1.Resource("nodes"), name)
}

func (w *world) IsPVCUsedByPods(key string) bool { return w.base.pvcUses[key]+w.pvcUses[key] > 0 }

var errNoMutations = errors.New("scheduler: a snapshot does not run pod group preemption")

func (w *world) StartMutations() error                            { return errNoMutations }
func (w *world) EndMutations() error                              { return errNoMutations }
func (w *world) AddPod(fwk.PodInfo, string) error                 { return errNoMutations }
func (w *world) RemovePod(klog.Logger, *corev1.Pod, string) error { return errNoMutations }

// nominations holds, by node, the pods that preemption has promised a place there.
type nominations map[string][]fwk.PodInfo

func (n nominations) AddNominatedPod(_ klog.Logger, p fwk.PodInfo, info *fwk.NominatingInfo) {
	n.DeleteNominatedPodIfExists(p.GetPod())
	node := p.GetPod().Status.NominatedNodeName
	if info.Mode() == fwk.ModeOverride {
		node = info.NominatedNodeName
	}
	if node != "" {
		n[node] = append(n[node], p)
	}
}

func (n nominations) DeleteNominatedPodIfExists(pod *corev1.Pod) {
	for node, pods := range n {
		for i, p := range pods {
			if p.GetPod().UID == pod.UID {
				rest := append(append([]fwk.PodInfo(nil), pods[:i]...), pods[i+1:]...)
				if n[node] = rest; len(rest) == 0 {
					delete(n, node)
				}
				return
			}
		}
	}
}

func (n nominations) UpdateNominatedPod(log klog.Logger, old *corev1.Pod, p fwk.PodInfo) {
	n.DeleteNominatedPodIfExists(old)
	n.AddNominatedPod(log, p, nil)
}

func (n nominations) NominatedPodsForNode(node string) []fwk.PodInfo { return n[node] }
