package capacity

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	resourcehelper "k8s.io/component-helpers/resource"
	schedulingcorev1 "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/internal/admission"
)

// probe holds one admitted pod, made ready to be compared with every node of a table.
type probe struct {
	pod      *corev1.Pod
	priority int32
	names    []corev1.ResourceName // that it requests, sorted
	needs    []need                // the requests that count, beside its place among the pods
	ports    []hostPort
	// blocked holds, by taint class, the status of nodes that it may not run on, or 0.
	blocked  []status
	affinity *nodeaffinity.RequiredNodeAffinity // nil: any node
	features *ndf.FeatureSet                    // nil: none
	info     ndf.PodInfo
	only     *preFilter
}

// need is one resource that the pod requests.
type need struct {
	name   corev1.ResourceName
	column int // -1: no node and no pod has any of it
	want   int64
	reason string
}

// maxNeeds is the number of resources that a status can tell apart.
const maxNeeds = 48

// ready makes p the probe of a pod. Its memory is reused.
func (p *probe) ready(t *table, pod *corev1.Pod) error {
	*p = probe{
		pod: pod, priority: schedulingcorev1.PodPriority(pod), ports: addHostPorts(nil, &pod.Spec),
		names: p.names[:0], needs: p.needs[:0], blocked: p.blocked[:0],
	}
	requests := requestsOf(pod)
	for name := range requests {
		p.names = append(p.names, name)
	}
	slices.Sort(p.names)
	for _, name := range p.names {
		p.need(t, name, requests)
	}
	if len(p.needs) > maxNeeds {
		return refused("NodeResourcesFit", fmt.Sprintf("%d resources requested, at most %d can be counted",
			len(p.needs), maxNeeds))
	}
	p.taints(t)
	if hasNodeAffinity(&pod.Spec) {
		affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
		p.affinity = &affinity
	}
	if err := preferences(pod); err != nil {
		return err
	}
	p.only = newPreFilter(pod)
	return p.declaredFeatures()
}

// need takes one resource into account. The scheduler ignores resources that are neither basic nor
// scalar. A request of zero fits on a node that is over its limit.
func (p *probe) need(t *table, name corev1.ResourceName, requests corev1.ResourceList) {
	q := requests[name]
	n := need{name: name, column: -1, want: q.Value()}
	switch name {
	case corev1.ResourceCPU:
		n.column, n.want = colCPU, q.MilliValue()
	case corev1.ResourceMemory:
		n.column = colMemory
	case corev1.ResourceEphemeralStorage:
		n.column = colEphemeral
	case corev1.ResourcePods:
		return
	default:
		if !isScalar(name) {
			return
		}
		if c, ok := t.column[name]; ok {
			n.column = c
		}
	}
	if n.want > 0 {
		n.reason = insufficient(name)
		p.needs = append(p.needs, n)
	}
}

// requestsOf returns the requests of a template's pod, to be read only. A pod of one container
// requests what that container does.
func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	if len(pod.Spec.Containers) == 1 && isPlain(pod) {
		return pod.Spec.Containers[0].Resources.Requests
	}
	return admission.Requests(pod, resourcehelper.PodResourcesOptions{})
}

// insufficient returns the reason for a resource. It allocates only for resources that are not
// basic.
func insufficient(name corev1.ResourceName) string {
	switch name {
	case corev1.ResourceCPU:
		return "Insufficient cpu"
	case corev1.ResourceMemory:
		return "Insufficient memory"
	}
	return "Insufficient " + string(name)
}

// cordoned is the taint that stands for spec.unschedulable.
var cordoned = corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}

// taints marks the classes of nodes that the pod does not tolerate: NodeUnschedulable, then
// TaintToleration (P/nodeunschedulable:140, P/tainttoleration:133).
func (p *probe) taints(t *table) {
	p.blocked = slices.Grow(p.blocked, len(t.taintClasses))[:len(t.taintClasses)]
	clear(p.blocked)
	for i := range t.taintClasses {
		class := &t.taintClasses[i]
		if class.unschedulable && !p.tolerates(&cordoned) {
			p.blocked[i] = statusUnschedulable
			continue
		}
		for j := range class.taints {
			if !p.tolerates(&class.taints[j]) {
				p.blocked[i] = statusTaint
				break
			}
		}
	}
}

func (p *probe) tolerates(taint *corev1.Taint) bool {
	return schedulingcorev1.TolerationsTolerateTaint(klog.Background(), p.pod.Spec.Tolerations, taint, false)
}

func hasNodeAffinity(spec *corev1.PodSpec) bool {
	if spec.NodeSelector != nil {
		return true
	}
	return spec.Affinity != nil && spec.Affinity.NodeAffinity != nil &&
		spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil
}

// preferences returns an error for preferred terms that cannot be parsed. Such terms only score
// nodes, but with one that cannot be parsed the scheduler places nothing.
func preferences(pod *corev1.Pod) error {
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || len(a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution) == 0 {
		return nil
	}
	if _, err := nodeaffinity.NewPreferredSchedulingTerms(
		a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution); err != nil {
		return fmt.Errorf("capacity: Workload.Template: "+
			"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution%w", err)
	}
	return nil
}

// modelled is the release whose scheduler this package speaks for.
var modelled = version.MustParseSemantic("1.37.2")

// declaredFeatures finds the features that the node's kubelet has to declare for this pod.
func (p *probe) declaredFeatures() error {
	p.info.Spec = &p.pod.Spec
	required, err := ndf.DefaultFramework.InferForPodScheduling(&p.info, modelled)
	if err != nil {
		return fmt.Errorf("capacity: NodeDeclaredFeatures: %w", err)
	}
	if !required.IsEmpty() {
		p.features = ptr.To(required)
	}
	return nil
}

// lacksFeatures reports whether the node does not declare all that the pod requires.
func (p *probe) lacksFeatures(node *corev1.Node) bool {
	if p.features == nil {
		return false
	}
	ok, err := p.features.IsSubset(ndf.DefaultFramework.TryMap(node.Status.DeclaredFeatures))
	return err != nil || !ok
}

// fixed returns the status of a node by the filters that come before NodePorts. No other pod can
// change it. 0 means that they let the pod pass.
func (p *probe) fixed(t *table, i int, node *corev1.Node) status {
	if p.only != nil && !p.only.has(node.Name) {
		return statusAbsent
	}
	if s := p.blocked[t.taints[i]]; s != 0 {
		return s
	}
	if p.affinity != nil {
		if ok, _ := p.affinity.Match(node); !ok {
			return statusAffinity
		}
	}
	return 0
}

// addRoom adds up rooms without overflowing.
func addRoom(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}
