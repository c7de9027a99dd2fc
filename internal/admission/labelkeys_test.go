package admission_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/redline-go/redline/internal/admission"
)

// The registry stores the values of the keys in every selector that there is; the template stays.
func TestLabelKeysAreMerged(t *testing.T) {
	term := func() corev1.PodAffinityTerm {
		return corev1.PodAffinityTerm{TopologyKey: "zone",
			LabelSelector:  &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			MatchLabelKeys: []string{"hash", "absent"}, MismatchLabelKeys: []string{"tenant"}}
	}
	bare := term()
	bare.LabelSelector = nil
	terms := func() []corev1.PodAffinityTerm { return []corev1.PodAffinityTerm{term(), *bare.DeepCopy()} }
	weighted := func() []corev1.WeightedPodAffinityTerm {
		return []corev1.WeightedPodAffinityTerm{{Weight: 1, PodAffinityTerm: term()}}
	}
	template := &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web", "hash": "7", "tenant": "a"}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "c"}},
			Affinity: &corev1.Affinity{
				PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms(),
					PreferredDuringSchedulingIgnoredDuringExecution: weighted()},
				PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms(),
					PreferredDuringSchedulingIgnoredDuringExecution: weighted()},
			},
			TopologySpreadConstraints: []corev1.TopologySpreadConstraint{
				{MaxSkew: 1, TopologyKey: "zone", LabelSelector: term().LabelSelector,
					MatchLabelKeys: []string{"hash", "absent"}},
				{MaxSkew: 1, TopologyKey: "zone", MatchLabelKeys: []string{"hash"}},
			},
		},
	}
	before := template.DeepCopy()
	pod := admission.PodOf("", template)
	require.Nil(t, admission.Admit(state(t), pod))
	assert.Equal(t, before, template)

	hash := metav1.LabelSelectorRequirement{Key: "hash", Operator: metav1.LabelSelectorOpIn, Values: []string{"7"}}
	tenant := metav1.LabelSelectorRequirement{Key: "tenant", Operator: metav1.LabelSelectorOpNotIn,
		Values: []string{"a"}}
	merged := term()
	merged.LabelSelector.MatchExpressions = []metav1.LabelSelectorRequirement{hash, tenant}
	for _, a := range []struct {
		required  []corev1.PodAffinityTerm
		preferred []corev1.WeightedPodAffinityTerm
	}{
		{pod.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution,
			pod.Spec.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution},
		{pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution,
			pod.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution},
	} {
		assert.Equal(t, []corev1.PodAffinityTerm{merged, bare}, a.required)
		assert.Equal(t, []corev1.WeightedPodAffinityTerm{{Weight: 1, PodAffinityTerm: merged}}, a.preferred)
	}
	spread := pod.Spec.TopologySpreadConstraints
	assert.Equal(t, []metav1.LabelSelectorRequirement{hash}, spread[0].LabelSelector.MatchExpressions)
	assert.Nil(t, spread[1].LabelSelector)
}
