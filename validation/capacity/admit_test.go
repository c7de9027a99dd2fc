package capacity_test

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1defaults "k8s.io/kubernetes/pkg/apis/core/v1"
	registry "k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"
	"k8s.io/kubernetes/plugin/pkg/admission/priority"
	"k8s.io/kubernetes/plugin/pkg/admission/runtimeclass"
	"k8s.io/utils/ptr"
)

// admitted returns the pod that the API server's own code makes of a template, or its refusal. It
// runs the server's defaulting, its plugins Priority, DefaultTolerationSeconds and RuntimeClass,
// its pod registry, and its validation of resources. It uses none of Redline's code.
//
// A template's priority and overhead are kept, and a preemption policy without a class, though the
// server would refuse them. So a case may have any.
func admitted(objects []runtime.Object, template corev1.PodTemplateSpec) (pod *corev1.Pod, refusal string, err error) {
	pod = &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Labels: template.Labels},
		Spec:       *template.Spec.DeepCopy(),
	}
	corev1defaults.SetObjectDefaults_Pod(pod)
	internal := &core.Pod{}
	if err := corev1defaults.Convert_v1_Pod_To_core_Pod(pod, internal, nil); err != nil {
		return nil, "", err
	}
	own := internal.Spec.PreemptionPolicy
	if pod.Spec.PriorityClassName == "" {
		internal.Spec.PreemptionPolicy = nil
	}
	for _, plugin := range plugins(objects, pod.Spec.Priority == nil) {
		if err := plugin.Admit(context.Background(), podCreation(internal), nil); err != nil {
			return nil, err.Error(), nil
		}
	}
	if own != nil {
		internal.Spec.PreemptionPolicy = own
	}
	registry.Strategy.PrepareForCreate(context.Background(), internal)
	if said := invalid(internal); said != "" {
		return nil, said, nil
	}
	out := &corev1.Pod{}
	if err := corev1defaults.Convert_core_Pod_To_v1_Pod(internal, out, nil); err != nil {
		return nil, "", err
	}
	pod, err = stored(out)
	return pod, "", err
}

// stored returns the pod as it comes back from storage. That matters: a sum of quantities may be
// kept behind a pointer, to which PodRequests then adds the overhead at every call. A quantity read
// from text is not.
func stored(pod *corev1.Pod) (*corev1.Pod, error) {
	text, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	out := &corev1.Pod{}
	return out, json.Unmarshal(text, out)
}

// plugins returns the server's mutating plugins, in its order, over the classes among the objects.
func plugins(objects []runtime.Object, byClass bool) []admission.MutationInterface {
	client := fake.NewClientset()
	factory := informers.NewSharedInformerFactory(client, 0)
	classes, runtimes := factory.Scheduling().V1().PriorityClasses().Informer().GetStore(),
		factory.Node().V1().RuntimeClasses().Informer().GetStore()
	for _, name := range []string{"system-cluster-critical", "system-node-critical"} {
		_ = classes.Add(&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name},
			PreemptionPolicy: ptr.To(corev1.PreemptLowerPriority), Value: map[string]int32{
				"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}[name]})
	}
	for _, o := range objects {
		switch o.(type) {
		case *schedulingv1.PriorityClass:
			_ = classes.Add(o)
		case *nodev1.RuntimeClass:
			_ = runtimes.Add(o)
		}
	}
	var all []admission.MutationInterface
	if byClass {
		p := priority.NewPlugin()
		p.SetExternalKubeClientSet(client)
		p.SetExternalKubeInformerFactory(factory)
		all = append(all, p)
	}
	grace := defaulttolerationseconds.NewDefaultTolerationSeconds()
	grace.InspectFeatureGates(utilfeature.DefaultFeatureGate)
	class := runtimeclass.NewRuntimeClass()
	class.SetExternalKubeClientSet(client)
	class.SetExternalKubeInformerFactory(factory)
	return append(all, grace, class)
}

// podCreation returns the attributes of a request that creates the pod.
func podCreation(pod *core.Pod) admission.Attributes {
	return admission.NewAttributesRecord(pod, nil, core.Kind("Pod").WithVersion("v1"), pod.Namespace, pod.Name,
		core.Resource("pods").WithVersion("v1"), "", admission.Create, &metav1.CreateOptions{}, false, nil)
}
