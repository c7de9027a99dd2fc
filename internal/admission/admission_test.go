package admission_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/internal/admission"
	"github.com/redline-go/redline/internal/cluster"
)

func list(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

func state(t *testing.T, objects ...runtime.Object) *cluster.State {
	t.Helper()
	s, err := cluster.New(objects)
	require.NoError(t, err)
	return s
}

func pod(requests, limits corev1.ResourceList) *corev1.Pod {
	return admission.PodOf("", &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "web-"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "web", Resources: corev1.ResourceRequirements{Requests: requests, Limits: limits}}}},
	})
}

func limitRange(item corev1.LimitRangeItem) *corev1.LimitRange {
	return &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "l"},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{item}}}
}

func TestLimitsBecomeRequests(t *testing.T) {
	p := pod(list("cpu", "100m"), list("cpu", "500m", "memory", "1Gi"))
	require.Nil(t, admission.Admit(state(t), p))
	assert.Equal(t, list("cpu", "100m", "memory", "1Gi"), p.Spec.Containers[0].Resources.Requests)
	assert.Len(t, p.Spec.Tolerations, 2, "300 s on nodes that are not ready or unreachable")
}

func TestLimitRangeDefaults(t *testing.T) {
	s := state(t, limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Max: list("cpu", "2"),
		Min: list("memory", "64Mi")}))
	p := pod(nil, nil)
	require.Nil(t, admission.Admit(s, p))
	assert.Equal(t, list("cpu", "2", "memory", "64Mi"), p.Spec.Containers[0].Resources.Requests)
	assert.Equal(t, list("cpu", "2"), p.Spec.Containers[0].Resources.Limits)
}

// The sentences are compared with the real plugin's over random cases in validation/capacity.
func TestRefusals(t *testing.T) {
	for want, c := range map[string]struct {
		pod     *corev1.Pod
		objects []runtime.Object
	}{
		`pods "web-" is forbidden: maximum cpu usage per Container is 1, but limit is 2`: {
			pod(nil, list("cpu", "2")),
			[]runtime.Object{limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer,
				Max: list("cpu", "1")})}},
		`pods "web-" is forbidden: [minimum cpu usage per Pod is 1.  No request is specified, minimum memory usage ` +
			`per Pod is 1Gi, but request is 1Mi]`: {
			pod(list("memory", "1Mi"), nil),
			[]runtime.Object{limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypePod,
				Min: list("cpu", "1", "memory", "1Gi")})}},
		`Pod "web-" is invalid: spec.containers[0].resources.requests: Invalid value: "2": ` +
			`must be less than or equal ` +
			`` +
			`` +
			`` +
			`` +
			`` +
			`` +
			`to cpu limit of 1`: {
			pod(list("cpu", "2"), nil),
			[]runtime.Object{limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer,
				Default: list("cpu", "1")})}},
		`pods "web-" is forbidden: unable to create new content in namespace default because it is being terminated`: {
			pod(nil, nil), []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"},
				Status: corev1.NamespaceStatus{Phase: corev1.NamespaceTerminating}}}},
	} {
		r := admission.Admit(state(t, c.objects...), c.pod)
		if assert.NotNil(t, r, want) {
			assert.Equal(t, want, r.Sentence)
		}
	}
}

func TestClasses(t *testing.T) {
	classes := []runtime.Object{
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Value: 1000,
			PreemptionPolicy: ptr.To(corev1.PreemptNever)},
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "usual"}, Value: 7, GlobalDefault: true},
		&nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "kata"},
			Overhead: &nodev1.Overhead{PodFixed: list("cpu", "250m")},
			Scheduling: &nodev1.Scheduling{NodeSelector: map[string]string{"kata": "yes"},
				Tolerations: []corev1.Toleration{{Key: "kata"}}}},
	}
	s := state(t, classes...)
	p := pod(nil, nil)
	p.Spec.PriorityClassName, p.Spec.RuntimeClassName = "high", ptr.To("kata")
	require.Nil(t, admission.Admit(s, p))
	assert.Equal(t, int32(1000), *p.Spec.Priority)
	assert.Equal(t, corev1.PreemptNever, *p.Spec.PreemptionPolicy)
	assert.Equal(t, list("cpu", "250m"), p.Spec.Overhead)
	assert.Equal(t, map[string]string{"kata": "yes"}, p.Spec.NodeSelector)

	p = pod(nil, nil)
	require.Nil(t, admission.Admit(s, p))
	assert.Equal(t, "usual", p.Spec.PriorityClassName)
	p = pod(nil, nil)
	p.Spec.PriorityClassName = "none"
	assert.EqualError(t, admission.Admit(s, p), `pods "web-" is forbidden: no PriorityClass with name none was found`)
	p = pod(nil, nil)
	p.Spec.RuntimeClassName = ptr.To("none")
	assert.EqualError(t, admission.Admit(s, p), `pods "web-" is forbidden: pod rejected: RuntimeClass "none" not found`)
}

func TestCreations(t *testing.T) {
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"},
		Spec: corev1.ResourceQuotaSpec{Hard: list("requests.cpu", "1", "pods", "100")}}
	running := pod(list("cpu", "250m"), nil)
	running.Name = "there"
	p := pod(list("cpu", "200m"), nil)
	n, r := admission.Creations(state(t, quota, running), p, 10)
	assert.Equal(t, 3, n, "250m are used, by the pods of the snapshot")
	assert.EqualError(t, r, `pods "web-" is forbidden: exceeded quota: q, requested: requests.cpu=200m, used: `+
		`requests.cpu=850m, limited: requests.cpu=1`)
	n, r = admission.Creations(state(t, quota, running), p, 3)
	assert.Equal(t, 3, n)
	assert.Nil(t, r)

	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: list("requests.cpu", "600m", "pods", "3")}
	n, _ = admission.Creations(state(t, quota, running), p, 10)
	assert.Equal(t, 2, n, "the server goes by the status")
	n, r = admission.Creations(state(t, quota), pod(nil, nil), 10)
	assert.Equal(t, 0, n)
	assert.EqualError(t, r, `pods "web-" is forbidden: failed quota: q: must specify requests.cpu for: web`)
}

func ExampleCreations() {
	s, _ := cluster.New([]runtime.Object{&corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "compute"}, Spec: corev1.ResourceQuotaSpec{Hard: list("limits.cpu", "2")}}})
	p := pod(nil, list("cpu", "500m"))
	admission.Admit(s, p)
	n, refusal := admission.Creations(s, p, 450)
	sentence, amounts, _ := strings.Cut(refusal.Sentence, ", requested: ")
	fmt.Println(n, sentence)
	fmt.Println("requested:", amounts)
	// Output:
	// 4 pods "web-" is forbidden: exceeded quota: compute
	// requested: limits.cpu=500m, used: limits.cpu=2, limited: limits.cpu=2
}
