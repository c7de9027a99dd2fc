package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	resourcehelper "k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"
)

// podInfo replaces [framework.PodInfo] on a node. It holds the pod, its affinity terms and its
// requests. Most pods ask for the sum of their containers and nothing else.
//
// framework.PodInfo adds requests up in a dozen maps per pod, 11 kB of garbage: nine tenths of the
// allocations of a first count.
type podInfo struct {
	pod                *corev1.Pod
	terms              *framework.PodInfo // nil without pod affinity
	asks               framework.Resource
	non0CPU, non0Bytes int64 // with the defaults for requests that a container leaves out
}

var _ fwk.PodInfo = (*podInfo)(nil)

// fill takes the pod's values. It returns an error for affinity terms that do not parse, but the
// info is usable all the same: kube-scheduler's cache ignores them, too.
func (p *podInfo) fill(pod *corev1.Pod) (err error) {
	*p = podInfo{pod: pod}
	if a := pod.Spec.Affinity; a != nil && (a.PodAffinity != nil || a.PodAntiAffinity != nil) {
		p.terms, err = framework.NewPodInfo(pod)
	}
	if p.sum() {
		return err
	}
	slow := framework.PodInfo{Pod: pod}
	r := slow.CalculateResource()
	p.asks, p.non0CPU, p.non0Bytes = *r.Resource.(*framework.Resource), r.Non0CPU, r.Non0Mem
	return err
}

func newPodInfo(pod *corev1.Pod) (*podInfo, error) {
	p := &podInfo{}
	return p, p.fill(pod)
}

// of returns the same information about an identical pod.
func (p *podInfo) of(pod *corev1.Pod) *podInfo {
	same := *p
	same.pod = pod
	return &same
}

func (p *podInfo) GetPod() *corev1.Pod { return p.pod }

func (p *podInfo) GetRequiredAffinityTerms() []fwk.AffinityTerm {
	if p.terms == nil {
		return nil
	}
	return p.terms.RequiredAffinityTerms
}

func (p *podInfo) GetRequiredAntiAffinityTerms() []fwk.AffinityTerm {
	if p.terms == nil {
		return nil
	}
	return p.terms.RequiredAntiAffinityTerms
}

func (p *podInfo) GetPreferredAffinityTerms() []fwk.WeightedAffinityTerm {
	if p.terms == nil {
		return nil
	}
	return p.terms.PreferredAffinityTerms
}

func (p *podInfo) GetPreferredAntiAffinityTerms() []fwk.WeightedAffinityTerm {
	if p.terms == nil {
		return nil
	}
	return p.terms.PreferredAntiAffinityTerms
}

// CalculateResource returns the sums of fill. Nobody changes the values behind them.
func (p *podInfo) CalculateResource() fwk.PodResource {
	return fwk.PodResource{Resource: &p.asks, Non0CPU: p.non0CPU, Non0Mem: p.non0Bytes}
}

// sum adds up the containers of a pod if nothing else counts. It returns false if something else
// does. framework.PodInfo must then be asked (framework/types.go:1376).
func (p *podInfo) sum() bool {
	pod := p.pod
	if len(pod.Spec.InitContainers)+len(pod.Status.InitContainerStatuses) > 0 || pod.Spec.Resources != nil ||
		pod.Spec.Overhead != nil ||
		pod.Status.Resources != nil || pod.Status.AllocatedResources != nil ||
		resourcehelper.IsPodResizeInfeasible(pod) ||
		utilfeature.DefaultFeatureGate.Enabled(features.DRANodeAllocatableResources) {
		return false
	}
	var cpu, memory, ephemeral resource.Quantity
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		if !settled(pod, c) {
			return false
		}
		asksCPU, asksMemory := false, false
		for name, q := range c.Resources.Requests {
			switch name {
			case corev1.ResourceCPU:
				cpu.Add(q)
				asksCPU = true
			case corev1.ResourceMemory:
				memory.Add(q)
				asksMemory = true
			case corev1.ResourceEphemeralStorage:
				ephemeral.Add(q)
			default:
				if len(pod.Spec.Containers) > 1 { // fractions would have to be added before they are rounded up
					return false
				}
				p.asks.Add(corev1.ResourceList{name: q})
			}
		}
		if !asksCPU {
			p.non0CPU += schedutil.DefaultMilliCPURequest
		}
		if !asksMemory {
			p.non0Bytes += schedutil.DefaultMemoryRequest
		}
	}
	p.asks.MilliCPU, p.asks.Memory, p.asks.EphemeralStorage = cpu.MilliValue(), memory.Value(), ephemeral.Value()
	p.non0CPU += p.asks.MilliCPU
	p.non0Bytes += p.asks.Memory
	return true
}

// settled reports whether the container was granted and has what it asks for, as far as its status
// says.
func settled(pod *corev1.Pod, c *corev1.Container) bool {
	for i := range pod.Status.ContainerStatuses {
		s := &pod.Status.ContainerStatuses[i]
		if s.Name != c.Name {
			continue
		}
		return (s.AllocatedResources == nil || sameList(s.AllocatedResources, c.Resources.Requests)) &&
			(s.Resources == nil || s.Resources.Requests == nil || sameList(s.Resources.Requests, c.Resources.Requests))
	}
	return true
}

func sameList(a, b corev1.ResourceList) bool {
	if len(a) != len(b) {
		return false
	}
	for name, q := range a {
		if other, ok := b[name]; !ok || q.Cmp(other) != 0 {
			return false
		}
	}
	return true
}
