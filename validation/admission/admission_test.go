package admission_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/internal/admission"
	"github.com/redline-go/redline/internal/cluster"
	"github.com/redline-go/redline/validation/internal/cases"
)

// generated matches the name that the server made of "x-", "rs-" ... Only its end is random.
var generated = regexp.MustCompile(`((?:pods|Pod) "[a-z]+-)[a-z0-9]*"`)

func plain(sentence string) string { return generated.ReplaceAllString(sentence, `$1"`) }

// Random namespaces: how many pods the real API server creates before it
// refuses, the sentence it refuses with, and the pod it stores.
func TestAgainstARealAPIServer(t *testing.T) {
	l := newLab(t)
	from, count := cases.Span(t, 120)
	n, differ := int(min(count, 2000)), 0 // a namespace takes about half a second
	refused := map[string]int{}
	for i := int(from); i < int(from)+n; i++ {
		same := t.Run(strconv.Itoa(i), func(t *testing.T) {
			k := randomCase(rand.New(rand.NewPCG(8829, uint64(i))), i)
			l.build(t, k)
			before := l.dump(t, k.namespace)
			created, refusal := l.create(k)
			compare(t, i, k, before, created, refusal)
			refused[kind(refusal)]++
		})
		if !same {
			differ++
		}
	}
	t.Logf("admission: %d namespaces, %d differences in count, sentence and stored pod: %v", n, differ, refused)
	if n < 100 {
		return // too few to meet everything
	}
	require.Greater(t, refused["exceeded quota"], n/20)
	require.Greater(t, refused["none"], n/20)
}

// kind sorts refusals, to show that all of them occurred.
func kind(refusal error) string {
	if refusal == nil {
		return "none"
	}
	for _, words := range []string{"exceeded quota", "failed quota", "usage per Container", "usage per Pod",
		"limit to request ratio", "PriorityClass", "RuntimeClass", "is invalid"} {
		if strings.Contains(refusal.Error(), words) {
			return words
		}
	}
	return refusal.Error()
}

func compare(t *testing.T, i int, k *kase, before []runtime.Object, created []*corev1.Pod, refusal error) {
	t.Helper()
	snapshot, err := capacity.NewSnapshot(before...)
	require.NoError(t, err)
	answer, err := snapshot.Fit(context.Background(), capacity.Workload{Namespace: k.namespace, Template: k.template,
		Replicas: k.replicas})
	require.NoError(t, err, "case %d", i)
	require.Equal(t, len(created), k.replicas-answer.Rejected, "case %d: created; model says %q, server says %v", i,
		answer.Refusal, refusal)
	switch {
	case refusal == nil:
		require.Empty(t, answer.Refusal)
	// several objections, in the order of a Go map
	case strings.Contains(refusal.Error(), "is invalid: ["), strings.Contains(refusal.Error(), "is forbidden: ["):
		require.Equal(t, words(refusal.Error()), words(answer.Refusal), "case %d", i)
	default:
		require.Contains(t, sentences(t, k, before, len(created), answer), plain(refusal.Error()), "case %d", i)
	}
	if len(created) > 0 {
		sameSpec(t, i, before, k, created[0])
	}
}

// words makes sentences comparable whose parts the server puts in the order of a map.
func words(sentence string) []string {
	w := strings.FieldsFunc(plain(sentence), func(r rune) bool { return strings.ContainsRune(" ,[]", r) })
	slices.Sort(w)
	return w
}

// sentences returns the model's sentence about each quota alone. Where several are exceeded the
// real plugin names one of them, by the order of a Go map.
func sentences(t *testing.T, k *kase, before []runtime.Object, created int, answer capacity.Answer) []string {
	t.Helper()
	all := []string{plain(answer.Refusal)}
	for _, only := range before {
		if _, ok := only.(*corev1.ResourceQuota); !ok {
			continue
		}
		var objects []runtime.Object
		for _, o := range before {
			if _, other := o.(*corev1.ResourceQuota); !other || o == only {
				objects = append(objects, o)
			}
		}
		state, err := cluster.New(objects)
		require.NoError(t, err)
		pod := admission.PodOf(k.namespace, &k.template)
		if admission.Admit(state, pod) != nil {
			continue
		}
		if n, r := admission.Creations(state, pod, created+1); r != nil && n == created {
			all = append(all, plain(r.Sentence))
		}
	}
	return all
}

// sameSpec compares the server's stored pod with the model's, in all that scheduling and quota
// read.
func sameSpec(t *testing.T, i int, before []runtime.Object, k *kase, stored *corev1.Pod) {
	t.Helper()
	state, err := cluster.New(before)
	require.NoError(t, err)
	pod := admission.PodOf(k.namespace, &k.template)
	require.Nil(t, admission.Admit(state, pod))
	same := func(what string, model, real any) {
		if !equality.Semantic.DeepEqual(model, real) {
			t.Errorf("case %d: %s: model %+v, server %+v", i, what, model, real)
		}
	}
	for c := range stored.Spec.Containers {
		same("resources of container "+stored.Spec.Containers[c].Name, pod.Spec.Containers[c].Resources,
			stored.Spec.Containers[c].Resources)
	}
	for c := range stored.Spec.InitContainers {
		same("resources of init container "+stored.Spec.InitContainers[c].Name, pod.Spec.InitContainers[c].Resources,
			stored.Spec.InitContainers[c].Resources)
	}
	same("pod-level resources", pod.Spec.Resources, stored.Spec.Resources)
	same("overhead", pod.Spec.Overhead, stored.Spec.Overhead)
	same("priority", pod.Spec.Priority, stored.Spec.Priority)
	same("preemption policy", ptr.Deref(pod.Spec.PreemptionPolicy, corev1.PreemptLowerPriority),
		*stored.Spec.PreemptionPolicy)
	same("tolerations", pod.Spec.Tolerations, stored.Spec.Tolerations)
	same("node selector", pod.Spec.NodeSelector, stored.Spec.NodeSelector)
	same("affinity", pod.Spec.Affinity, stored.Spec.Affinity)
	same("topology spread", pod.Spec.TopologySpreadConstraints, stored.Spec.TopologySpreadConstraints)
}

// A real ReplicaSet under a quota ends up with the predicted pods, retries and all.
func TestAgainstARealReplicaSetController(t *testing.T) {
	l := newLab(t)
	template := func(name string, requests, limits corev1.ResourceList) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name}},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "gateway", Image: "i",
				Resources: corev1.ResourceRequirements{Requests: requests, Limits: limits}}}}}
	}
	gateway := template("api-gateway",
		corev1.ResourceList{"cpu": resource.MustParse("200m"), "memory": resource.MustParse("256Mi")},
		corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("512Mi")})
	hard := func(list corev1.ResourceList) []*corev1.ResourceQuota {
		return []*corev1.ResourceQuota{{ObjectMeta: metav1.ObjectMeta{Name: "quota"},
			Spec: corev1.ResourceQuotaSpec{Hard: list}}}
	}
	for _, k := range []*kase{
		{namespace: "pods", template: gateway, replicas: 60,
			quotas: hard(corev1.ResourceList{"pods": resource.MustParse("27")})},
		{namespace: "requests", template: gateway, replicas: 40,
			quotas: hard(corev1.ResourceList{"requests.cpu": resource.MustParse("4500m"),
				"limits.memory": resource.MustParse("100Gi")})},
		{namespace: "unstated", template: template("x", nil, nil), replicas: 5,
			quotas: hard(corev1.ResourceList{"limits.cpu": resource.MustParse("1")})},
		{namespace: "roomy", template: gateway, replicas: 30,
			quotas: hard(corev1.ResourceList{"pods": resource.MustParse("100")})},
	} {
		t.Run(k.namespace, func(t *testing.T) {
			l.build(t, k)
			snapshot, err := capacity.NewSnapshot(l.dump(t, k.namespace)...)
			require.NoError(t, err)
			w := capacity.Workload{Namespace: k.namespace, Template: k.template, Replicas: k.replicas}
			w.Template.GenerateName = "rs-"
			answer, err := snapshot.Fit(context.Background(), w)
			require.NoError(t, err)
			want := k.replicas - answer.Rejected
			pods, condition := l.scale(t, k, want)
			require.Equal(t, want, pods)
			if answer.Rejected == 0 {
				require.Empty(t, condition)
				return
			}
			require.Equal(t, plain(answer.Refusal), plain(condition))
		})
	}
}

func TestNothingOfTheGeneratedNameIsCompared(t *testing.T) {
	require.Equal(t, `pods "x-" is forbidden`, plain(`pods "x-abc12" is forbidden`))
	require.Equal(t, plain(`pods "x-" is forbidden`), plain(errors.New(`pods "x-zzzzz" is forbidden`).Error()))
}
