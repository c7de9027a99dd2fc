package capacity_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1defaults "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"
)

// admitted is the pod that the API server's own code makes of a template: its defaulting, its
// DefaultTolerationSeconds plugin and what its pod registry fills in. It does not use Redline's.
func admitted(t testing.TB, template corev1.PodTemplateSpec) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Labels: template.Labels},
		Spec:       *template.Spec.DeepCopy(),
	}
	corev1defaults.SetObjectDefaults_Pod(pod)
	internal := &core.Pod{}
	require.NoError(t, corev1defaults.Convert_v1_Pod_To_core_Pod(pod, internal, nil))
	plugin := defaulttolerationseconds.NewDefaultTolerationSeconds()
	plugin.InspectFeatureGates(utilfeature.DefaultFeatureGate)
	require.NoError(t, plugin.Admit(context.Background(), podCreation(internal), nil))
	podutil.DefaultPodLevelResources(internal)
	out := &corev1.Pod{}
	require.NoError(t, corev1defaults.Convert_core_Pod_To_v1_Pod(internal, out, nil))
	return out
}

// podCreation are the attributes of a request that creates the pod.
func podCreation(pod *core.Pod) admission.Attributes {
	return admission.NewAttributesRecord(pod, nil, core.Kind("Pod").WithVersion("v1"), pod.Namespace, pod.Name,
		core.Resource("pods").WithVersion("v1"), "", admission.Create, &metav1.CreateOptions{}, false, nil)
}
