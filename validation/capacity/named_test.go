package capacity_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/validation/oracle"
)

// three returns nodes of 4 cores, 16 GiB and 110 pods in three zones.
func three() (objects []runtime.Object) {
	for i := range 3 {
		objects = append(objects, oracle.Node(i, "4", "16Gi", 3))
	}
	return objects
}

func asking(cpu string, edit func(*corev1.PodTemplateSpec)) corev1.PodTemplateSpec {
	pod := oracle.Pod("default", "web", "", cpu, "")
	t := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: pod.Spec}
	if edit != nil {
		edit(&t)
	}
	return t
}

func requests(pairs ...string) corev1.ResourceRequirements {
	r := corev1.ResourceRequirements{Requests: corev1.ResourceList{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Requests[corev1.ResourceName(pairs[i])] = quantity(pairs[i+1])
	}
	return r
}

// The cases with a name, each with the count that the pinned scheduler gives; the scheduler is
// asked again here.
func TestNamedCases(t *testing.T) {
	resized := oracle.Pod("default", "resized", "node-00000", "1", "")
	resized.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c",
		AllocatedResources: requests("cpu", "3").Requests}}
	for name, c := range map[string]struct {
		objects  []runtime.Object
		template corev1.PodTemplateSpec
		fits     int
	}{
		"main 500m, init 1500m": {three(), asking("500m", func(p *corev1.PodTemplateSpec) {
			p.Spec.InitContainers = []corev1.Container{{Name: "i", Image: "img", Resources: requests("cpu", "1500m")}}
		}), 6},
		"overhead 250m": {three(), asking("750m", func(p *corev1.PodTemplateSpec) {
			p.Spec.Overhead = requests("cpu", "250m").Requests
		}), 12},
		"pod level 1 cpu, containers of 300m": {three(), asking("300m", func(p *corev1.PodTemplateSpec) {
			p.Spec.Resources = ptr.To(requests("cpu", "1"))
		}), 12},
		"no requests, 5 pods there":  {append(three(), some(5)...), asking("", nil), 325},
		"resize from 1 to 3 granted": {[]runtime.Object{oracle.Node(0, "4", "16Gi", 3), resized}, asking("1", nil), 1},
		"5 cpu on nodes of 4":        {three(), asking("5", nil), 0},
		"every node wants the port": {three(), asking("100m", func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}}
		}), 3},
		"no node is meant": {three(), asking("1", func(p *corev1.PodTemplateSpec) {
			in := func(node string) corev1.NodeSelectorRequirement {
				return corev1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn,
					Values: []string{node}}
			}
			p.Spec.Affinity = &corev1.Affinity{
				NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
					NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{in("a"),
						in("b")}}}}}}
		}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot, err := capacity.NewSnapshot(c.objects...)
			require.NoError(t, err)
			answer, err := snapshot.Fit(t.Context(), capacity.Workload{Template: c.template, Replicas: 400})
			require.NoError(t, err)
			pod, refusal, err := admitted(c.objects, c.template)
			require.NoError(t, err)
			require.Empty(t, refusal)
			truth, err := oracle.Run(t.Context(), c.objects, pod, 400, oracle.Options{})
			require.NoError(t, err)
			require.NoError(t, differs(answer, truth, 400))
			assert.Equal(t, c.fits, answer.Fits)
			t.Log(answer.Fits, answer.Message)
		})
	}
}

func some(n int) (pods []runtime.Object) {
	for i := range n {
		pods = append(pods, oracle.Pod("default", fmt.Sprintf("there-%d", i), "node-00000", "", ""))
	}
	return pods
}

// A workload that needs the scheduler is refused by the name of the plugin.
func TestRefusedByName(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(three()...)
	require.NoError(t, err)
	self := []corev1.PodAffinityTerm{{TopologyKey: corev1.LabelTopologyZone,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}}
	for plugin, edit := range map[string]func(*corev1.PodSpec){
		"PodTopologySpread": func(s *corev1.PodSpec) {
			s.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1,
				TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule}}
		},
		"InterPodAffinity": func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{
				PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: self}}
		},
		"VolumeBinding": func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "v",
				VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{
					ClaimName: "c"}}}}
		},
		"VolumeRestrictions": func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "v",
				VolumeSource: corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{}}}}
		},
		"DynamicResources": func(s *corev1.PodSpec) {
			s.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: ptr.To("gpu")}}
		},
	} {
		template := asking("1", func(p *corev1.PodTemplateSpec) { edit(&p.Spec) })
		_, err := snapshot.Fit(t.Context(), capacity.Workload{Template: template, Replicas: 5})
		assert.ErrorIs(t, err, capacity.ErrNeedsScheduler)
		assert.ErrorContains(t, err, "capacity: "+plugin+" (")
	}
}
