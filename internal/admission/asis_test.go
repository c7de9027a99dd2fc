package admission_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/internal/admission"
)

// some is a random list, often empty.
func some(r *rand.Rand) corev1.ResourceList {
	var pairs []string
	for _, name := range []string{"cpu", "memory", "hugepages-2Mi", "example.com/gpu"} {
		if r.IntN(3) == 0 {
			pairs = append(pairs, name, []string{"1", "2", "200m", "2Mi", "1e30", "0", "1", "2"}[r.IntN(8)])
		}
	}
	if r.IntN(16) == 0 {
		pairs = append(pairs, "cpu", "100u") // the server rounds it up
	}
	if pairs == nil && r.IntN(2) == 0 {
		return nil
	}
	return list(pairs...)
}

// randomTemplate has each of the things that admission changes or refuses now and then.
func randomTemplate(r *rand.Rand) *corev1.PodTemplateSpec {
	now := func(f func()) {
		if r.IntN(16) == 0 {
			f()
		}
	}
	t := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{GenerateName: "web-",
		Labels: map[string]string{"app": "web"}}}
	for range 1 + r.IntN(2) {
		c := corev1.Container{Name: "c", Resources: corev1.ResourceRequirements{Requests: some(r)}}
		if r.IntN(3) == 0 {
			c.Resources.Limits = some(r)
		}
		now(func() { c.Ports = []corev1.ContainerPort{{ContainerPort: 80, Protocol: corev1.ProtocolTCP}} })
		now(func() { c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: 81, HostPort: 81}) })
		t.Spec.Containers = append(t.Spec.Containers, c)
	}
	now(func() {
		t.Spec.InitContainers = []corev1.Container{{Name: "i", Resources: corev1.ResourceRequirements{Limits: some(r)}}}
	})
	now(func() { t.Spec.Resources = &corev1.ResourceRequirements{Limits: list("cpu", "2")} })
	now(func() { t.Spec.Overhead = list("cpu", "100u") })
	now(func() { t.Spec.HostNetwork = true })
	now(func() { t.Spec.RuntimeClassName = ptr.To("kata") })
	now(func() { t.Spec.SchedulerName = "mine" })
	now(func() { t.Spec.PriorityClassName = []string{"high", "none", "system-node-critical"}[r.IntN(3)] })
	now(func() { t.Spec.Priority = ptr.To(int32(7)) })
	now(func() { t.Spec.PreemptionPolicy = ptr.To(corev1.PreemptLowerPriority) })
	for range r.IntN(3) {
		t.Spec.Tolerations = append(t.Spec.Tolerations,
			corev1.Toleration{Key: []string{"", "a", corev1.TaintNodeNotReady}[r.IntN(3)],
				Operator: corev1.TolerationOpExists})
	}
	return t
}

func randomObjects(r *rand.Rand) (objects []runtime.Object) {
	for _, o := range []runtime.Object{
		limitRange(corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Default: list("cpu", "1")}),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"},
			Status: corev1.NamespaceStatus{Phase: corev1.NamespaceTerminating}},
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Value: 1000,
			PreemptionPolicy: ptr.To(corev1.PreemptNever)},
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "usual"}, Value: 7, GlobalDefault: true},
		&nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "kata"},
			Overhead: &nodev1.Overhead{PodFixed: list("cpu", "250m")}},
	} {
		if r.IntN(8) == 0 {
			objects = append(objects, o)
		}
	}
	return objects
}

// The short way gives the pod of the long one, or none, and leaves the template alone; pods after
// one another share their memory.
func FuzzAsIs(f *testing.F) {
	for seed := range uint64(500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		var short corev1.Pod
		for range 4 {
			objects, template := randomObjects(r), randomTemplate(r)
			s, before := state(t, objects...), template.DeepCopy()
			long := admission.PodOf("", template)
			refusal := admission.Admit(s, long)
			if !admission.AdmitAsIs(s, "", template, &short) {
				continue
			}
			require.Nil(t, refusal)
			require.Equal(t, before, template)
			if len(short.Spec.Tolerations) == 0 {
				short.Spec.Tolerations = nil
			}
			require.Equal(t, long, &short)
		}
	})
}

// Most templates go the short way: that the twin above has something to compare.
func TestAsIs(t *testing.T) {
	r, short := rand.New(rand.NewPCG(8829, 3)), 0
	for range 1000 {
		if admission.AdmitAsIs(state(t), "", randomTemplate(r), &corev1.Pod{}) {
			short++
		}
	}
	assert.Greater(t, short, 100)
	plain := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Resources: corev1.ResourceRequirements{Requests: list("cpu", "200m"), Limits: list("cpu", "1")}}}}}
	assert.True(t, admission.AdmitAsIs(state(t), "", plain, &corev1.Pod{}))
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}}
	assert.False(t, admission.AdmitAsIs(state(t, quota), "", plain, &corev1.Pod{}),
		"what a quota is charged is reckoned from a copy")
}
