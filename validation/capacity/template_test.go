package capacity_test

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// template draws a pod template: a spec, and everything that says where it may run.
func (g generator) template() corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: g.spec()}
	for i := range t.Spec.Containers {
		if g.one(3) { // limits become requests
			r := &t.Spec.Containers[i].Resources
			r.Limits = r.Requests
			r.Requests = nil
			if g.one(2) {
				r.Requests = corev1.ResourceList{}
				if q, ok := r.Limits[corev1.ResourceCPU]; ok {
					r.Requests[corev1.ResourceCPU] = q
				}
			}
		}
	}
	if g.one(12) {
		for i := range t.Spec.Containers {
			t.Spec.Containers[i].Resources = corev1.ResourceRequirements{}
		}
	}
	g.place(&t.Spec)
	g.soften(&t.Spec)
	return t
}

// place adds filters.
func (g generator) place(spec *corev1.PodSpec) {
	if g.one(8) {
		spec.NodeSelector = map[string]string{pick(g, "disk", corev1.LabelTopologyZone): pick(g, "ssd", "ssd", "z1")}
		if g.one(3) {
			spec.NodeSelector["generation"] = pick(g, "1", "2")
		}
	}
	if g.one(5) {
		spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: g.terms()}}}
		if g.one(30) {
			// matches no node
			spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms = nil
		}
	}
	if g.one(25) {
		spec.NodeName = fmt.Sprintf("node-%d", g.IntN(8))
	}
	for range g.IntN(3) {
		spec.Tolerations = append(spec.Tolerations, g.toleration())
	}
	switch g.IntN(4) {
	case 0, 1:
		spec.Priority = ptr.To(pick[int32](g, -20, 0, 0, 60, 1000))
	case 2:
		spec.PriorityClassName = pick(g, "low", "mid", "high", "high", "system-cluster-critical", "absent")
	}
	if g.one(6) {
		spec.RuntimeClassName = ptr.To(pick(g, "kata", "kata", "kata", "kata", "absent"))
		spec.Overhead = nil // the class's
	}
	if g.one(10) {
		spec.PreemptionPolicy = ptr.To(pick(g, corev1.PreemptNever, corev1.PreemptLowerPriority))
	}
	if g.one(12) {
		spec.HostNetwork = true
		spec.Containers[0].Ports = append(spec.Containers[0].Ports, corev1.ContainerPort{ContainerPort: 8080})
	}
	if g.one(12) {
		spec.HostUsers = ptr.To(false)
	}
	if g.one(25) {
		spec.Containers[0].RestartPolicyRules = []corev1.ContainerRestartRule{
			{Action: corev1.ContainerRestartRuleActionRestartAllContainers}}
	}
	if g.one(25) {
		spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/wait"},
			{Name: "example.com/more"}}[:1+g.IntN(2)]
	}
}

// soften adds features that only score nodes or do not matter at all.
func (g generator) soften(spec *corev1.PodSpec) {
	if g.one(6) {
		spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		}}
	}
	if g.one(6) {
		if spec.Affinity == nil {
			spec.Affinity = &corev1.Affinity{}
		}
		spec.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
				{Weight: 10, PodAffinityTerm: g.podTerms()[0]},
			}}
	}
	if g.one(6) && spec.Affinity != nil {
		if spec.Affinity.NodeAffinity == nil {
			spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
		}
		expression := g.expression()
		for slices.Contains(expression.Values, "x") { // no number: the scheduler places nothing, which is an error
			expression = g.expression()
		}
		spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution = []corev1.PreferredSchedulingTerm{
			{Weight: 5, Preference: corev1.NodeSelectorTerm{
				MatchExpressions: []corev1.NodeSelectorRequirement{expression}}}}
	}
	if g.one(6) {
		spec.Volumes = []corev1.Volume{
			{Name: "e", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "c", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}},
			{Name: "h", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}},
		}
	}
}

func (g generator) podTerms() []corev1.PodAffinityTerm {
	return []corev1.PodAffinityTerm{{
		TopologyKey:   pick(g, corev1.LabelTopologyZone, corev1.LabelHostname, "rack"),
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": pick(g, "a", "web")}},
		Namespaces:    pick(g, nil, []string{"default"}),
	}}
}

func (g generator) terms() (terms []corev1.NodeSelectorTerm) {
	for range 1 + g.IntN(2) {
		var term corev1.NodeSelectorTerm
		for range g.IntN(3) {
			term.MatchExpressions = append(term.MatchExpressions, g.expression())
		}
		for range g.IntN(3) / 2 {
			term.MatchFields = append(term.MatchFields, corev1.NodeSelectorRequirement{
				Key: metav1.ObjectNameField, Operator: pick(g, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpIn,
					corev1.NodeSelectorOpNotIn),
				Values: []string{fmt.Sprintf("node-%d", g.IntN(8))},
			})
		}
		if g.one(12) {
			for n := range 2 {
				term.MatchFields = append(term.MatchFields, corev1.NodeSelectorRequirement{
					Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn,
					Values: []string{fmt.Sprintf("node-%d", n*g.IntN(2))},
				})
			}
		}
		terms = append(terms, term)
	}
	return terms
}

func (g generator) expression() corev1.NodeSelectorRequirement {
	switch g.IntN(6) {
	case 0:
		return corev1.NodeSelectorRequirement{Key: "disk", Operator: corev1.NodeSelectorOpIn, Values: []string{"ssd"}}
	case 1:
		return corev1.NodeSelectorRequirement{Key: "disk", Operator: corev1.NodeSelectorOpNotIn,
			Values: []string{"hdd", "tape"}}
	case 2:
		return corev1.NodeSelectorRequirement{Key: "missing", Operator: corev1.NodeSelectorOpDoesNotExist}
	case 3:
		return corev1.NodeSelectorRequirement{Key: pick(g, "disk", "missing"), Operator: corev1.NodeSelectorOpExists}
	case 4:
		return corev1.NodeSelectorRequirement{Key: pick(g, "generation", "disk"), Operator: corev1.NodeSelectorOpGt,
			Values: []string{"2"}}
	}
	return corev1.NodeSelectorRequirement{Key: "generation", Operator: corev1.NodeSelectorOpLt,
		Values: []string{pick(g, "4", "x")}}
}

func (g generator) toleration() corev1.Toleration {
	return corev1.Toleration{
		Key:      pick(g, "", "dedicated", "gpu", corev1.TaintNodeUnschedulable, corev1.TaintNodeNotReady),
		Operator: pick(g, corev1.TolerationOpExists, corev1.TolerationOpExists, corev1.TolerationOpEqual, ""),
		Value:    pick(g, "", "a"),
		Effect:   pick(g, "", corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute),
	}
}
