package admission_test

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func randomCase(r *rand.Rand, i int) *kase {
	k := &kase{namespace: fmt.Sprintf("case-%d", i), replicas: 1 + r.IntN(9), template: randomTemplate(r)}
	for range r.IntN(5) {
		p := &corev1.Pod{Spec: randomTemplate(r).Spec}
		p.Status.Phase = []corev1.PodPhase{corev1.PodRunning, corev1.PodRunning, corev1.PodPending, corev1.PodSucceeded,
			corev1.PodFailed}[r.IntN(5)]
		if r.IntN(6) == 0 {
			p.DeletionTimestamp = &metav1.Time{}
		}
		k.pods = append(k.pods, p)
	}
	for q := range r.IntN(4) {
		k.quotas = append(k.quotas, randomQuota(r, fmt.Sprintf("quota-%d", q)))
	}
	if r.IntN(2) == 0 {
		k.limits = append(k.limits, randomLimits(r))
	}
	if r.IntN(3) == 0 { // at the end, so that the other draws of a case stay the same
		labelKeys(r, &k.template)
	}
	return k
}

// labelKeys gives the template terms whose keys the server merges into their selectors. Required
// ones would not be counted without a scheduler.
func labelKeys(r *rand.Rand, t *corev1.PodTemplateSpec) {
	t.Labels["hash"], t.Labels["tenant"] = "7", "a"
	term := func() []corev1.WeightedPodAffinityTerm {
		p := corev1.PodAffinityTerm{TopologyKey: "zone",
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}}
		p.MatchLabelKeys = []string{"hash", "absent"}[r.IntN(2):]
		if r.IntN(2) == 0 {
			p.MismatchLabelKeys = []string{"tenant"}
		}
		return []corev1.WeightedPodAffinityTerm{{Weight: 1, PodAffinityTerm: p}}
	}
	t.Spec.Affinity = &corev1.Affinity{
		PodAffinity:     &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: term()},
		PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: term()},
	}
	t.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: "zone",
		WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector:     &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}},
		MatchLabelKeys:    []string{"hash", "absent"}[r.IntN(2):]}}
}

func milli(r *rand.Rand, steps int) resource.Quantity {
	return *resource.NewMilliQuantity(int64(1+r.IntN(steps))*50, resource.DecimalSI)
}

func mebi(r *rand.Rand, steps int) resource.Quantity {
	return *resource.NewQuantity(int64(1+r.IntN(steps))*32<<20, resource.BinarySI)
}

func amount(r *rand.Rand, name corev1.ResourceName, steps int) resource.Quantity {
	switch name {
	case corev1.ResourceCPU:
		return milli(r, steps)
	case "example.com/gpu":
		return *resource.NewQuantity(int64(1+r.IntN(1+steps/8)), resource.DecimalSI)
	}
	return mebi(r, steps)
}

func randomResources(r *rand.Rand) corev1.ResourceRequirements {
	req := corev1.ResourceRequirements{Requests: corev1.ResourceList{}, Limits: corev1.ResourceList{}}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory,
		corev1.ResourceEphemeralStorage} {
		ask := amount(r, name, 20)
		if r.IntN(2) == 0 {
			req.Requests[name] = ask
		}
		if r.IntN(2) == 0 {
			limit := amount(r, name, 20)
			if r.IntN(12) > 0 { // now and then below the request: invalid, and the server says so
				limit.Add(ask)
			}
			req.Limits[name] = limit
		}
	}
	if r.IntN(5) == 0 {
		req.Limits["example.com/gpu"] = amount(r, "example.com/gpu", 8)
	}
	if r.IntN(8) == 0 {
		req.Limits["hugepages-2Mi"] = resource.MustParse("4Mi")
		req.Requests[corev1.ResourceMemory], req.Limits[corev1.ResourceMemory] = resource.MustParse("64Mi"),
			resource.MustParse("128Mi")
	}
	return req
}

func randomTemplate(r *rand.Rand) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{GenerateName: "x-",
		Labels: map[string]string{"app": "x"}}}
	for i := range 1 + r.IntN(3) {
		t.Spec.Containers = append(t.Spec.Containers,
			corev1.Container{Name: fmt.Sprintf("c%d", i), Image: "i", Resources: randomResources(r)})
	}
	for i := range r.IntN(3) {
		c := corev1.Container{Name: fmt.Sprintf("init%d", i), Image: "i", Resources: randomResources(r)}
		if r.IntN(2) == 0 {
			c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
		}
		t.Spec.InitContainers = append(t.Spec.InitContainers, c)
	}
	if r.IntN(5) == 0 {
		req := corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": milli(r, 80)},
			Limits: corev1.ResourceList{}}
		if r.IntN(2) == 0 {
			req.Limits["memory"] = mebi(r, 160)
		}
		t.Spec.Resources = &req
	}
	if r.IntN(3) == 0 {
		t.Spec.PriorityClassName = []string{"low", "mid", "high", "absent"}[r.IntN(13)/4]
	}
	if r.IntN(4) == 0 {
		t.Spec.RuntimeClassName = ptr.To([]string{"plain", "gvisor", "absent"}[r.IntN(9)/4])
	}
	if r.IntN(4) == 0 {
		t.Spec.ActiveDeadlineSeconds = ptr.To[int64](600)
	}
	if r.IntN(6) == 0 { // nothing asked: best effort
		for i := range t.Spec.Containers {
			t.Spec.Containers[i].Resources = corev1.ResourceRequirements{}
		}
		t.Spec.InitContainers, t.Spec.Resources = nil, nil
	}
	return t
}

var limited = []corev1.ResourceName{"pods", "count/pods", "cpu", "memory", "requests.cpu", "requests.memory",
	"limits.cpu", "limits.memory",
	"requests.ephemeral-storage", "limits.ephemeral-storage", "requests.example.com/gpu", "requests.hugepages-2Mi",
	"count/configmaps", "services"}

func randomQuota(r *rand.Rand, name string) *corev1.ResourceQuota {
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{}}}
	names := limited
	switch r.IntN(9) {
	case 0:
		q.Spec.Scopes, names = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}, limited[:1]
	case 1:
		q.Spec.Scopes, names = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeNotBestEffort}, limited[:8]
	case 2:
		q.Spec.Scopes, names = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeTerminating}, limited[:8]
	case 3:
		q.Spec.Scopes, names = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeNotTerminating}, limited[:8]
	case 4, 5:
		in := corev1.ScopedResourceSelectorRequirement{ScopeName: corev1.ResourceQuotaScopePriorityClass,
			Operator: []corev1.ScopeSelectorOperator{corev1.ScopeSelectorOpIn, corev1.ScopeSelectorOpNotIn,
				corev1.ScopeSelectorOpExists, corev1.ScopeSelectorOpDoesNotExist}[r.IntN(4)]}
		if in.Operator == corev1.ScopeSelectorOpIn || in.Operator == corev1.ScopeSelectorOpNotIn {
			in.Values = []string{"low", "mid", "high"}[r.IntN(2) : 2+r.IntN(2)]
		}
		q.Spec.ScopeSelector, names = &corev1.ScopeSelector{
			MatchExpressions: []corev1.ScopedResourceSelectorRequirement{in}}, limited[:8]
	}
	for range 1 + r.IntN(3) {
		n := names[r.IntN(len(names))]
		switch n {
		case "pods", "count/pods", "count/configmaps", "services", "requests.example.com/gpu":
			q.Spec.Hard[n] = *resource.NewQuantity(int64(r.IntN(12)), resource.DecimalSI)
		case "cpu", "requests.cpu", "limits.cpu":
			q.Spec.Hard[n] = milli(r, 200)
		default:
			q.Spec.Hard[n] = mebi(r, 200)
		}
	}
	return q
}

func randomLimits(r *rand.Rand) *corev1.LimitRange {
	l := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "limits"}}
	for _, kind := range []corev1.LimitType{corev1.LimitTypeContainer, corev1.LimitTypePod} {
		if r.IntN(3) == 0 {
			continue
		}
		item := corev1.LimitRangeItem{Type: kind, Min: corev1.ResourceList{}, Max: corev1.ResourceList{},
			Default: corev1.ResourceList{}, DefaultRequest: corev1.ResourceList{},
			MaxLimitRequestRatio: corev1.ResourceList{}}
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			low, mid, high := amount(r, name, 4), amount(r, name, 15), amount(r, name, 60)
			mid.Add(low)
			high.Add(mid)
			if r.IntN(4) == 0 {
				item.Min[name] = low
			}
			if r.IntN(3) == 0 {
				item.Max[name] = high
			}
			if r.IntN(5) == 0 {
				item.MaxLimitRequestRatio[name] = resource.MustParse([]string{"2", "1500m", "4"}[r.IntN(3)])
			}
			if kind == corev1.LimitTypeContainer && r.IntN(2) == 0 {
				item.Default[name] = mid
				if r.IntN(2) == 0 {
					item.DefaultRequest[name] = low
				}
			}
		}
		l.Spec.Limits = append(l.Spec.Limits, item)
	}
	return l
}
