package capacity

import (
	"fmt"
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	ndf "k8s.io/component-helpers/nodedeclaredfeatures"
	resourcehelper "k8s.io/component-helpers/resource"
	schedulingcorev1 "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/redline-go/redline/internal/admission"
)

// probe is one admitted pod, made ready to be compared with every node of a table.
type probe struct {
	pod      *corev1.Pod
	priority int32
	needs    []need // what it requests beside its place among the pods
	ports    []hostPort
	// blocked is, by taint class, the status of nodes that it may not run on, or 0.
	blocked  []status
	affinity *nodeaffinity.RequiredNodeAffinity // nil: any node
	features *ndf.FeatureSet                    // nil: none
	only     *preFilter
}

// need is one resource that the pod requests.
type need struct {
	name   corev1.ResourceName
	column int // -1: no node and no pod has any of it
	want   int64
	reason string
}

// maxNeeds is how many resources a status can tell apart.
const maxNeeds = 48

func newProbe(t *table, pod *corev1.Pod) (*probe, error) {
	p := &probe{pod: pod, priority: schedulingcorev1.PodPriority(pod), ports: addHostPorts(nil, &pod.Spec)}
	requests := admission.Requests(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range sortedNames(requests) {
		p.need(t, name, requests)
	}
	if len(p.needs) > maxNeeds {
		return nil, refused("NodeResourcesFit", fmt.Sprintf("%d resources requested, at most %d can be counted", len(p.needs), maxNeeds))
	}
	p.taints(t)
	if hasNodeAffinity(&pod.Spec) {
		affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
		p.affinity = &affinity
	}
	p.only = newPreFilter(pod)
	return p, p.declaredFeatures()
}

// need takes one resource into account. The scheduler ignores what is neither basic nor scalar,
// and a request of zero fits on a node that is over its limit.
func (p *probe) need(t *table, name corev1.ResourceName, requests corev1.ResourceList) {
	q := requests[name]
	n := need{name: name, column: -1, want: q.Value(), reason: "Insufficient " + string(name)}
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
		p.needs = append(p.needs, n)
	}
}

// taints finds which classes of nodes the pod does not tolerate: NodeUnschedulable, then
// TaintToleration (P/nodeunschedulable:140, P/tainttoleration:133).
func (p *probe) taints(t *table) {
	p.blocked = make([]status, len(t.taintClasses))
	cordoned := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	for i, class := range t.taintClasses {
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

// modelled is the version whose scheduler this package speaks for.
var modelled = version.MustParseSemantic("1.37.2")

// declaredFeatures finds what the node's kubelet has to declare for this pod.
func (p *probe) declaredFeatures() error {
	required, err := ndf.DefaultFramework.InferForPodScheduling(&ndf.PodInfo{Spec: &p.pod.Spec}, modelled)
	if err != nil {
		return fmt.Errorf("capacity: NodeDeclaredFeatures: %w", err)
	}
	if !required.IsEmpty() {
		p.features = &required
	}
	return nil
}

// lacksFeatures is true for a node that does not declare what the pod requires.
func (p *probe) lacksFeatures(node *corev1.Node) bool {
	if p.features == nil {
		return false
	}
	ok, err := p.features.IsSubset(ndf.DefaultFramework.TryMap(node.Status.DeclaredFeatures))
	return err != nil || !ok
}

// fixed is the status of a node that no other pod can change: the filters that come before
// NodePorts. 0 means that they let the pod pass.
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
