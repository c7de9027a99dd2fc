package admission_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/internal/admission"
)

// The sentences of a LimitRange with one limit of a pod of one container.
func TestLimitRangeSentences(t *testing.T) {
	const huge = "99999999999999999" // too many for thousandths: compared in whole units
	ratio := func(name, most string) corev1.LimitRangeItem {
		return corev1.LimitRangeItem{MaxLimitRequestRatio: list(name, most)}
	}
	minimum, maximum := corev1.LimitRangeItem{Min: list("cpu", "1")}, corev1.LimitRangeItem{Max: list("cpu", "1")}
	for name, c := range map[string]struct {
		item             corev1.LimitRangeItem
		requests, limits corev1.ResourceList
		want             string
	}{
		"request below": {minimum, list("cpu", "500m"), nil, "minimum cpu usage per Pod is 1, but request is 500m"},
		"no request":    {minimum, nil, nil, "minimum cpu usage per Pod is 1.  No request is specified"},
		"at the least":  {minimum, list("cpu", "1"), list("cpu", "1"), ""},
		"no limit":      {maximum, list("cpu", "1"), nil, "maximum cpu usage per Pod is 1.  No limit is specified"},
		"limit above": {maximum, list("cpu", "1"), list("cpu", "2"),
			"maximum cpu usage per Pod is 1, but limit is 2"},
		"at the most": {maximum, list("cpu", "1"), list("cpu", "1"), ""},
		"limit huge": {corev1.LimitRangeItem{Max: list("memory", "1")}, list("memory", "1"), list("memory", huge),
			"maximum memory usage per Pod is 1, but limit is " + huge},
		"ratio without request": {ratio("cpu", "2"), nil, nil,
			"cpu max limit to request ratio per Pod is 2, but no request is specified or request is 0"},
		"ratio without limit": {ratio("cpu", "2"), list("cpu", "1"), nil,
			"cpu max limit to request ratio per Pod is 2, but no limit is specified or limit is 0"},
		"ratio above": {ratio("cpu", "2500m"), list("cpu", "1"), list("cpu", "3"),
			"cpu max limit to request ratio per Pod is 2500m, but provided ratio is 3.000000"},
		"ratio at the most":  {ratio("cpu", "2500m"), list("cpu", "2"), list("cpu", "5"), ""},
		"ratio that is huge": {ratio("memory", huge), list("memory", "1"), list("memory", "99999999999999998"), ""},
	} {
		c.item.Type = corev1.LimitTypePod
		refusal := admission.Admit(state(t, limitRange(c.item)), pod(c.requests, c.limits))
		if c.want == "" {
			assert.Nil(t, refusal, name)
			continue
		}
		assert.EqualError(t, refusal, `pods "web-" is forbidden: `+c.want, name)
	}
}

// A pod's own resources take the place of its containers' sum for cpu and memory.
func TestLimitRangeOfPodLevelResources(t *testing.T) {
	for most, want := range map[string]string{
		"3": `pods "web-" is forbidden: maximum cpu usage per Pod is 3, but limit is 4`,
		"4": "",
	} {
		p := pod(list("cpu", "1"), list("cpu", "1"))
		p.Spec.Resources = &corev1.ResourceRequirements{Requests: list("cpu", "4"), Limits: list("cpu", "4")}
		item := corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: list("cpu", most)}
		if refusal := admission.Admit(state(t, limitRange(item)), p); want == "" {
			assert.Nil(t, refusal)
		} else {
			assert.EqualError(t, refusal, want)
		}
	}
}

// A sentence names the pod as far as its name is known.
func TestNamesInSentences(t *testing.T) {
	for want, meta := range map[string]metav1.ObjectMeta{
		"a":       {Name: "a", GenerateName: "b-"},
		"b-":      {GenerateName: "b-"},
		"Unknown": {},
	} {
		p := pod(nil, nil)
		p.ObjectMeta = meta
		p.Namespace, p.Spec.PriorityClassName = "default", "none"
		refusal := admission.Admit(state(t), p)
		assert.EqualError(t, refusal, `pods "`+want+`" is forbidden: no PriorityClass with name none was found`)
	}
}

// Liberties names what only a stored pod may have, and resources that lack the limit they need.
func TestLiberties(t *testing.T) {
	classes := state(t,
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Value: 9,
			PreemptionPolicy: ptr.To(corev1.PreemptNever)},
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "usual"}, Value: 7, GlobalDefault: true})
	for name, c := range map[string]struct {
		edit func(*corev1.PodSpec)
		want []string
	}{
		"nothing":             {func(*corev1.PodSpec) {}, nil},
		"the default's value": {func(s *corev1.PodSpec) { s.Priority = ptr.To[int32](7) }, nil},
		"another value": {func(s *corev1.PodSpec) { s.Priority = ptr.To[int32](8) },
			[]string{"spec.priority is 8, its class gives 7"}},
		"another policy": {func(s *corev1.PodSpec) {
			s.PriorityClassName, s.PreemptionPolicy = "high", ptr.To(corev1.PreemptLowerPriority)
		}, []string{"spec.preemptionPolicy is PreemptLowerPriority, its class gives Never"}},
		"an unknown class": {func(s *corev1.PodSpec) {
			s.PriorityClassName, s.Priority, s.PreemptionPolicy = "none", ptr.To[int32](1), ptr.To(corev1.PreemptNever)
		}, nil},
		"no limits": {func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests = list("cpu", "1", "hugepages-2Mi", "2Mi", "example.com/gpu", "1")
			s.InitContainers = []corev1.Container{{Name: "i", Resources: corev1.ResourceRequirements{
				Requests: list("hugepages-2Mi", "2Mi"), Limits: list("hugepages-2Mi", "2Mi")}}, {Name: "j",
				Resources: corev1.ResourceRequirements{Requests: list("example.com/gpu", "1")}}}
		}, []string{
			"spec.containers[0].resources.requests has example.com/gpu, limits has not",
			"spec.containers[0].resources.requests has hugepages-2Mi, limits has not",
			"spec.initContainers[1].resources.requests has example.com/gpu, limits has not",
		}},
	} {
		p := pod(nil, nil)
		c.edit(&p.Spec)
		before := p.Spec.DeepCopy()
		admission.Admit(classes, p)
		assert.Equal(t, c.want, admission.Liberties(classes, before, &p.Spec), name)
	}
}

// The scheduler counts these beside cpu, memory, ephemeral storage and pods.
func TestIsScalar(t *testing.T) {
	for name, want := range map[corev1.ResourceName]bool{
		"example.com/gpu": true, "hugepages-1Gi": true, "attachable-volumes-csi-x": true, "kubernetes.io/odd": true,
		"cpu": false, "memory": false, "pods": false, "requests.example.com/gpu": false,
		"example.com/not a name": false,
	} {
		assert.Equal(t, want, admission.IsScalar(name), name)
	}
}
