package admission_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/internal/admission"
)

func quotaOf(hard corev1.ResourceList, scopes ...corev1.ResourceQuotaScope) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"},
		Spec: corev1.ResourceQuotaSpec{Hard: hard, Scopes: scopes}}
}

// A quota of two pods admits two of those in its scope, and any number of the others.
func TestScopes(t *testing.T) {
	const want, all = 2, 10
	spec := func(edit func(*corev1.PodSpec)) *corev1.Pod {
		p := pod(nil, nil)
		edit(&p.Spec)
		return p
	}
	plain := func() *corev1.Pod { return pod(nil, nil) }
	deadline := func() *corev1.Pod {
		return spec(func(s *corev1.PodSpec) { s.ActiveDeadlineSeconds = ptr.To[int64](60) })
	}
	high := func() *corev1.Pod { return spec(func(s *corev1.PodSpec) { s.PriorityClassName = "high" }) }
	class := func(o corev1.ScopeSelectorOperator, values ...string) *corev1.ResourceQuota {
		q := quotaOf(list("pods", "2"))
		q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: o, Values: values}}}
		return q
	}
	elsewhere := func(term corev1.PodAffinityTerm, edit func(*corev1.Affinity, corev1.PodAffinityTerm)) *corev1.Pod {
		return spec(func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{}
			edit(s.Affinity, term)
		})
	}
	near := func(a *corev1.Affinity, term corev1.PodAffinityTerm) {
		a.PodAffinity = &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
			term}}
	}
	rather := func(a *corev1.Affinity, term corev1.PodAffinityTerm) {
		a.PodAntiAffinity = &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
				{Weight: 1, PodAffinityTerm: term}}}
	}
	terminating := quotaOf(list("pods", "2"), corev1.ResourceQuotaScopeTerminating)
	lasting := quotaOf(list("pods", "2"), corev1.ResourceQuotaScopeNotTerminating)
	best := quotaOf(list("pods", "2"), corev1.ResourceQuotaScopeBestEffort)
	notBest := quotaOf(list("pods", "2"), corev1.ResourceQuotaScopeNotBestEffort)
	crossing := quotaOf(list("pods", "2"), corev1.ResourceQuotaScopeCrossNamespacePodAffinity)
	for name, c := range map[string]struct {
		quota *corev1.ResourceQuota
		pod   *corev1.Pod
		want  int
	}{
		"no scope":                        {quotaOf(list("pods", "2")), plain(), want},
		"about no pods":                   {quotaOf(list("services", "0")), plain(), all},
		"unknown scope":                   {quotaOf(list("pods", "2"), "Odd"), plain(), all},
		"Terminating, with a deadline":    {terminating, deadline(), want},
		"Terminating, without":            {terminating, plain(), all},
		"NotTerminating, with a deadline": {lasting, deadline(), all},
		"NotTerminating, without":         {lasting, plain(), want},
		"BestEffort asks nothing":         {best, plain(), want},
		"BestEffort asks for disk":        {best, pod(list("ephemeral-storage", "1Gi"), nil), want},
		"BestEffort asks for cpu":         {best, pod(list("cpu", "1"), nil), all},
		"NotBestEffort asks nothing":      {notBest, plain(), all},
		"NotBestEffort asks for cpu":      {notBest, pod(nil, list("cpu", "1")), want},
		"BestEffort by pod-level resources": {notBest,
			spec(func(s *corev1.PodSpec) { s.Resources = &corev1.ResourceRequirements{Requests: list("cpu", "1")} }),
			want},
		"two scopes, one fails": {quotaOf(list("pods", "2"), corev1.ResourceQuotaScopeBestEffort,
			corev1.ResourceQuotaScopeTerminating), plain(), all},
		"class in":                     {class(corev1.ScopeSelectorOpIn, "high", "low"), high(), want},
		"class in others":              {class(corev1.ScopeSelectorOpIn, "low"), high(), all},
		"class not in":                 {class(corev1.ScopeSelectorOpNotIn, "low"), high(), want},
		"class exists":                 {class(corev1.ScopeSelectorOpExists), high(), want},
		"class exists not":             {class(corev1.ScopeSelectorOpExists), plain(), all},
		"class does not exist":         {class(corev1.ScopeSelectorOpDoesNotExist), plain(), want},
		"class by an unknown operator": {class("Like", "high"), high(), all},
		"class in nothing":             {class(corev1.ScopeSelectorOpIn), high(), all},
		"crosses by name": {crossing, elsewhere(corev1.PodAffinityTerm{Namespaces: []string{"b"}},
			near), want},
		"crosses by selector, preferred": {crossing,
			elsewhere(corev1.PodAffinityTerm{NamespaceSelector: &metav1.LabelSelector{}}, rather), want},
		"affinity within the namespace": {crossing, elsewhere(corev1.PodAffinityTerm{TopologyKey: "zone"}, near),
			all},
		"no affinity": {crossing, plain(), all},
		"preferred in the namespace": {crossing,
			elsewhere(corev1.PodAffinityTerm{TopologyKey: "zone"}, rather), all},
		"requests of an extended resource": {quotaOf(list("requests.example.com/gpu", "3")),
			pod(list("example.com/gpu", "2"), list("example.com/gpu", "2")), 1},
		"limits of memory": {quotaOf(list("limits.memory", "3Gi")), pod(nil, list("memory", "1Gi")),
			3},
		"huge pages": {quotaOf(list("hugepages-2Mi", "8Mi")),
			pod(list("hugepages-2Mi", "4Mi"), list("hugepages-2Mi", "4Mi")), 2},
		"every stored pod":                     {quotaOf(list("count/pods", "4")), plain(), 4},
		"a request of zero is charged nothing": {quotaOf(list("requests.cpu", "0")), pod(list("cpu", "0"), nil), all},
	} {
		n, refusal := admission.Creations(state(t, c.quota), c.pod, all)
		assert.Equal(t, c.want, n, name)
		assert.Equal(t, c.want < all, refusal != nil, name)
	}
	n, refusal := admission.Creations(state(t, quotaOf(list("pods", "2"))), plain(), -1)
	assert.Zero(t, n)
	assert.Nil(t, refusal)
}

// Of two quotas the narrower decides, and it is the first in the order of names that speaks.
func TestSeveralQuotas(t *testing.T) {
	a, b := quotaOf(list("pods", "5")), quotaOf(list("requests.cpu", "300m"))
	a.Name, b.Name = "a", "b"
	n, refusal := admission.Creations(state(t, b, a), pod(list("cpu", "100m"), nil), 9)
	assert.Equal(t, 3, n)
	assert.EqualError(t, refusal, `pods "web-" is forbidden: exceeded quota: b, requested: requests.cpu=100m, `+
		`used: requests.cpu=300m, limited: requests.cpu=300m`)
}

// A quota without status is charged for the pods of the snapshot as the quota controller would:
// ended pods, and those that should be gone, only count as stored.
func TestChargedPods(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	named := func(name string, edit func(*corev1.Pod)) *corev1.Pod {
		p := pod(list("cpu", "100m"), list("cpu", "200m"))
		p.Name = name
		edit(p)
		return p
	}
	leaving := func(since time.Duration) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.DeletionTimestamp = ptr.To(metav1.NewTime(now.Add(-since)))
			p.DeletionGracePeriodSeconds = ptr.To[int64](30)
		}
	}
	quota := quotaOf(list("pods", "9", "count/pods", "9", "requests.cpu", "9", "limits.cpu", "9", "services", "9"))
	s := state(t, quota,
		named("runs", func(p *corev1.Pod) { p.CreationTimestamp = now }),
		named("ended", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }),
		named("leaves", leaving(20*time.Second)),
		named("stuck", leaving(40*time.Second)),
		named("elsewhere", func(p *corev1.Pod) { p.Namespace = "other" }))
	used := admission.Charged(s, s.ResourceQuotas[0])
	got := map[corev1.ResourceName]string{}
	for name, q := range used {
		got[name] = q.String()
	}
	assert.Equal(t, map[corev1.ResourceName]string{"pods": "2", "count/pods": "4", "requests.cpu": "200m",
		"limits.cpu": "400m"}, got)
	assert.Equal(t, used, admission.Used(s, s.ResourceQuotas[0]))

	quota = s.ResourceQuotas[0].DeepCopy() // in its namespace
	quota.Status.Used = list("pods", "7")
	assert.Equal(t, list("pods", "7")["pods"], admission.Used(s, quota)["pods"], "the status wins, where there is one")
	assert.Equal(t, used["limits.cpu"], admission.Used(s, quota)["limits.cpu"])
}

// Requests do not grow from call to call where the pod has resources and overhead of its own.
func TestRequestsLeaveThePodAlone(t *testing.T) {
	p := pod(list("cpu", "1"), nil)
	p.Spec.Resources = &corev1.ResourceRequirements{Requests: list("cpu", "99999999999999999999")}
	p.Spec.Overhead = list("cpu", "1")
	before := p.DeepCopy()
	first := admission.Usage(p, time.Time{})
	require.Equal(t, first, admission.Usage(p, time.Time{}))
	require.Equal(t, before, p)
	cpu := first["requests.cpu"]
	require.Equal(t, "100E", cpu.String())
}
