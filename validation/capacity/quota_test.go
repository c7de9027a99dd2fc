package capacity_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1defaults "k8s.io/kubernetes/pkg/apis/core/v1"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	quotacore "k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	"k8s.io/kubernetes/plugin/pkg/admission/limitranger"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/validation/internal/cases"
)

// Random LimitRanges, ResourceQuotas and templates: the number of created pods and the refusal of
// the next are those of the API server's own plugins.
func TestRandomAdmission(t *testing.T) {
	var mu sync.Mutex
	counts := map[string]int{}
	ran := cases.Run(t, 2000, 2, func(n uint64) error {
		kind, err := sameAdmission(t, newGenerator(n+1<<32))
		mu.Lock()
		defer mu.Unlock()
		counts[kind]++
		return err
	})
	t.Log(counts)
	if ran < 1000 {
		return // too few to meet everything
	}
	for _, kind := range []string{"created", "exceeded quota", "must specify", "minimum", "maximum", "ratio",
		"invalid"} {
		require.NotZero(t, counts[kind], "the cases should cover %q", kind)
	}
}

// sameAdmission returns an error when the server creates another number of pods or says something
// else.
func sameAdmission(t testing.TB, g generator) (kind string, err error) {
	template, ranges, quotas := g.constrained()
	created, refusal, err := createReally(template, ranges, quotas, 12)
	if err != nil {
		return "", err
	}
	objects := []runtime.Object{bigNode(), &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "high"},
		Value: 60}}
	for _, r := range ranges {
		objects = append(objects, r)
	}
	for _, q := range quotas {
		objects = append(objects, q)
	}
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		return "", err
	}
	answer, err := snapshot.Fit(t.Context(), capacity.Workload{Template: template, Replicas: 12})
	if err != nil {
		return "", err
	}
	if got := answer.Fits + answer.Pending; got != created || !slices.Equal(words(refusal), words(answer.Refusal)) {
		return "", fmt.Errorf("the server creates %d and says\n%q\nwe say %d and\n%q", created, refusal, got,
			answer.Refusal)
	}
	return kindOf(refusal), nil
}

func kindOf(refusal string) string {
	for _, kind := range []string{"exceeded quota", "must specify", "ratio", "minimum", "maximum", "invalid"} {
		if strings.Contains(refusal, kind) {
			return kind
		}
	}
	return "created"
}

// words makes sentences comparable whose parts the server puts in the order of a map.
func words(sentence string) []string {
	w := strings.FieldsFunc(sentence, func(r rune) bool { return strings.ContainsRune(" ,[]", r) })
	slices.Sort(w)
	return w
}

// createReally runs the server's own defaulting, LimitRanger functions, resource validation and
// quota check, pod after pod.
func createReally(template corev1.PodTemplateSpec, ranges []*corev1.LimitRange, quotas []*corev1.ResourceQuota,
	n int) (created int, refusal string, err error) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Labels: template.Labels},
		Spec: *template.Spec.DeepCopy()}
	corev1defaults.SetObjectDefaults_Pod(pod)
	internal := &core.Pod{}
	if err := corev1defaults.Convert_v1_Pod_To_core_Pod(pod, internal, nil); err != nil {
		return 0, "", err
	}
	attributes := podCreation(internal)
	var defaulted []*corev1.LimitRange
	for _, r := range ranges {
		r = r.DeepCopy()
		corev1defaults.SetObjectDefaults_LimitRange(r)
		defaulted = append(defaulted, r)
		if err := limitranger.PodMutateLimitFunc(r, internal); err != nil {
			return 0, "", err
		}
	}
	podutil.DefaultPodLevelResources(internal)
	if s := invalid(internal); s != "" {
		return 0, s, nil
	}
	for _, r := range defaulted {
		if err := limitranger.PodValidateLimitFunc(r, internal); err != nil {
			return 0, admission.NewForbidden(attributes, err).Error(), nil
		}
	}
	var current []corev1.ResourceQuota
	for _, q := range quotas {
		current = append(current, *q)
	}
	evaluator := quotacore.NewPodEvaluator(nil, clock.RealClock{})
	for i := range n {
		next, err := resourcequota.CheckRequest(current, attributes, evaluator, nil)
		if err != nil {
			return i, err.Error(), nil
		}
		current = next
	}
	return n, "", nil
}

// invalid returns API validation's sentence about requests above limits and containers larger than
// their pod.
func invalid(pod *core.Pod) string {
	var all []string
	for _, err := range corevalidation.ValidatePodCreate(pod,
		corevalidation.PodValidationOptions{PodLevelResourcesEnabled: true}) {
		if strings.Contains(err.Detail, "equal to") {
			all = append(all, err.Error())
		}
	}
	if all == nil {
		return ""
	}
	return fmt.Sprintf("Pod %q is invalid: %s", pod.Name, strings.Join(all, ", "))
}

func bigNode() *corev1.Node {
	room := corev1.ResourceList{}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory,
		corev1.ResourceEphemeralStorage, corev1.ResourcePods, gpu, fpga, hugePages} {
		room[name] = quantity("1Ti")
	}
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "big"}, Status: corev1.NodeStatus{Allocatable: room}}
}

// constrained draws a template with limits of its own, and the constraints of its namespace.
func (g generator) constrained() (template corev1.PodTemplateSpec, ranges []*corev1.LimitRange,
	quotas []*corev1.ResourceQuota) {
	template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: g.spec()}
	for i := range template.Spec.Containers {
		c := &template.Spec.Containers[i]
		c.Ports = nil
		if g.one(2) {
			c.Resources.Limits = g.list(false)
		}
	}
	template.Spec.Overhead = nil
	for i := range template.Spec.InitContainers {
		template.Spec.InitContainers[i].Ports = nil
	}
	if g.one(4) {
		for i := range template.Spec.Containers {
			template.Spec.Containers[i].Resources = corev1.ResourceRequirements{}
		}
	}
	if g.one(4) {
		template.Spec.ActiveDeadlineSeconds = ptr.To[int64](int64(g.IntN(2) * 60))
	}
	if g.one(3) {
		template.Spec.PriorityClassName = "high"
	}
	if g.one(6) {
		terms := g.podTerms()
		template.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 1,
				PodAffinityTerm: terms[0]}}}}
	}
	if g.one(2) {
		ranges = append(ranges, g.limitRange())
	}
	for i := range g.IntN(4) {
		quotas = append(quotas, g.quota(i))
	}
	return template, ranges, quotas
}

func (g generator) limitRange() *corev1.LimitRange {
	r := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "limits"}}
	for range 1 + g.IntN(2) {
		item := corev1.LimitRangeItem{Type: pick(g, corev1.LimitTypeContainer, corev1.LimitTypePod,
			corev1.LimitTypePersistentVolumeClaim)}
		if g.one(3) {
			item.Min = corev1.ResourceList{corev1.ResourceCPU: quantity(pick(g, "50m", "200m")),
				corev1.ResourceMemory: quantity("64Mi")}
		}
		if g.one(3) {
			item.Max = corev1.ResourceList{corev1.ResourceCPU: quantity(pick(g, "1", "4"))}
		}
		if item.Type == corev1.LimitTypeContainer && g.one(2) {
			item.Default = corev1.ResourceList{corev1.ResourceMemory: quantity(pick(g, "128Mi", "2Gi"))}
			item.DefaultRequest = corev1.ResourceList{corev1.ResourceCPU: quantity("100m")}
		}
		if g.one(4) {
			item.MaxLimitRequestRatio = corev1.ResourceList{corev1.ResourceCPU: quantity(pick(g, "1", "1.5", "4"))}
		}
		r.Spec.Limits = append(r.Spec.Limits, item)
	}
	return r
}

func (g generator) quota(i int) *corev1.ResourceQuota {
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("quota-%d", i)}}
	q.Spec.Hard, q.Status.Used = corev1.ResourceList{}, corev1.ResourceList{}
	for _, limit := range [][3]string{
		{"pods", "8", "3"}, {"count/pods", "10", "1"}, {"cpu", "4", "1"}, {"requests.cpu", "3", "700m"},
		{"limits.cpu", "5", "0"},
		{"memory", "6Gi", "1Gi"}, {"requests.memory", "5Gi", "123M"}, {"limits.memory", "8Gi", "0"},
		{"requests.ephemeral-storage", "9Gi", "1Gi"},
		{"requests.example.com/gpu", "5", "1"}, {"requests.hugepages-2Mi", "100Mi", "0"},
		{"hugepages-2Mi", "100Mi", "2Mi"}, {"services", "1", "1"},
	} {
		if g.one(6) {
			q.Spec.Hard[corev1.ResourceName(limit[0])] = quantity(limit[1])
			q.Status.Used[corev1.ResourceName(limit[0])] = quantity(limit[2])
		}
	}
	if g.one(3) {
		q.Spec.Scopes = append(q.Spec.Scopes,
			pick(g, corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating,
				corev1.ResourceQuotaScopeBestEffort, corev1.ResourceQuotaScopeNotBestEffort,
				corev1.ResourceQuotaScopePriorityClass,
				corev1.ResourceQuotaScopeCrossNamespacePodAffinity))
	}
	if g.one(3) {
		operator := pick(g, corev1.ScopeSelectorOpIn, corev1.ScopeSelectorOpNotIn, corev1.ScopeSelectorOpExists,
			corev1.ScopeSelectorOpDoesNotExist)
		requirement := corev1.ScopedResourceSelectorRequirement{ScopeName: corev1.ResourceQuotaScopePriorityClass,
			Operator: operator}
		if operator == corev1.ScopeSelectorOpIn || operator == corev1.ScopeSelectorOpNotIn {
			requirement.Values = []string{pick(g, "high", "low")}
		}
		q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			requirement}}
	}
	q.Status.Hard = q.Spec.Hard
	return q
}
