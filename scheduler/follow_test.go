package scheduler

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// small draws a cluster of a few nodes in up to three zones.
func small(rnd *rand.Rand) (out []runtime.Object) {
	for i := range 1 + rnd.IntN(8) {
		name := fmt.Sprintf("n%d", i)
		out = append(out, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name,
			Labels: map[string]string{"zone": fmt.Sprint(rnd.IntN(3)), corev1.LabelHostname: name}},
			Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{"cpu": resource.MustParse("4"),
				"memory": resource.MustParse("8Gi"),
				"pods":   *resource.NewQuantity(int64(1+rnd.IntN(9)), resource.DecimalSI)}}})
	}
	if rnd.IntN(2) == 0 {
		return out
	}
	for i := range 1 + rnd.IntN(4) {
		out = append(out, neighbour(rnd, i))
	}
	return out
}

// neighbour draws a bound pod that likes or dislikes those of template, and may look like them.
func neighbour(rnd *rand.Rand, i int) *corev1.Pod {
	term := corev1.PodAffinityTerm{TopologyKey: draw(rnd, "zone", corev1.LabelHostname),
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: draw(rnd, "d", "d", "other"),
		Name:   fmt.Sprint("near-", i),
		Labels: map[string]string{"app": draw(rnd, "web", "db")}},
		Spec: corev1.PodSpec{NodeName: "n0", Affinity: &corev1.Affinity{}}}
	weighted := []corev1.WeightedPodAffinityTerm{{Weight: 7, PodAffinityTerm: term}}
	switch a := p.Spec.Affinity; rnd.IntN(6) {
	case 0:
		a.PodAntiAffinity = &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}
	case 1:
		a.PodAntiAffinity = &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: weighted}
	case 2:
		a.PodAffinity = &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
			term}}
	case 3:
		a.PodAffinity = &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: weighted}
	}
	return p
}

// template draws a pod whose replicas look at each other.
func template(rnd *rand.Rand) *corev1.Pod {
	self := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	key := func() string { return []string{"zone", corev1.LabelHostname}[rnd.IntN(2)] }
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "d", Name: "web", Labels: self.MatchLabels},
		Spec: corev1.PodSpec{SchedulerName: "default-scheduler", Affinity: &corev1.Affinity{},
			Containers: []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": *resource.NewMilliQuantity(int64(100+rnd.IntN(900)),
					resource.DecimalSI)}}}}}}
	if rnd.IntN(2) == 0 {
		p.Spec.TopologySpreadConstraints = append(p.Spec.TopologySpreadConstraints,
			corev1.TopologySpreadConstraint{MaxSkew: int32(1 + rnd.IntN(2)), TopologyKey: key(),
				WhenUnsatisfiable: []corev1.UnsatisfiableConstraintAction{corev1.DoNotSchedule,
					corev1.ScheduleAnyway}[rnd.IntN(2)], LabelSelector: self})
	}
	if rnd.IntN(3) == 0 {
		p.Spec.Affinity.PodAffinity = &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
				{TopologyKey: key(), LabelSelector: self}}}
	}
	for i := range p.Spec.TopologySpreadConstraints {
		if rnd.IntN(3) == 0 {
			p.Spec.TopologySpreadConstraints[i].MatchLabelKeys = []string{"app", "absent"}
			p.Spec.TopologySpreadConstraints[i].NodeTaintsPolicy = ptr.To(corev1.NodeInclusionPolicyHonor)
		}
	}
	if rnd.IntN(6) == 0 {
		p.Spec.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
				{TopologyKey: key(),
					LabelSelector: &metav1.LabelSelector{
						MatchLabels: map[string]string{"app": draw(rnd, "web", "db")}},
					NamespaceSelector: draw(rnd, nil, &metav1.LabelSelector{})}}}
	} else if rnd.IntN(3) == 0 {
		p.Spec.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
				{Weight: 10, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: key(), LabelSelector: self}}}}
	}
	return p
}

// The incremental path and the whole cycle agree on every placement, score for score, and on the
// message.
func TestFollowersAgreeWithTheWholeCycle(t *testing.T) {
	e, err := New(Config{})
	require.NoError(t, err)
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		c, err := count(context.Background(), small(rnd))
		require.NoError(t, err)
		pod := template(rnd)
		place := func(slow bool) (out []Placement, message string) {
			r, err := e.run(context.Background(), c)
			require.NoError(t, err)
			r.slow = slow
			b := &batch{pod: pod, n: 30, name: replicas(pod)}
			require.NoError(t, r.place(context.Background(), b, func(p Placement) { out = append(out, p) }))
			return out, b.message
		}
		fast, said := place(false)
		slow, wanted := place(true)
		require.Equal(t, slow, fast, "seed %d", seed)
		require.Equal(t, wanted, said, "seed %d", seed)
	}
}
