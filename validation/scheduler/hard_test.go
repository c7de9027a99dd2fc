package scheduler_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/oracle"
)

// nodes makes n nodes of 4 cores and 16 GiB in three zones.
func nodes(n int) (out []runtime.Object) {
	for i := range n {
		out = append(out, oracle.Node(i, "4", "16Gi", 3))
	}
	return out
}

func ptr[T any](v T) *T { return &v }

// Cases by name: each is something that "how many fit" must get right.
func TestHardCases(t *testing.T) {
	type world struct {
		objects []runtime.Object
		pod     *corev1.Pod
		n       int
		config  scheduler.Config
		oracle  oracle.Options
	}
	base := func(cpu string) *corev1.Pod {
		p := oracle.Pod("default", "web", "", cpu, "")
		p.Labels = map[string]string{"app": "web"}
		return p
	}
	cases := map[string]func() world{
		"init container larger than the main one": func() world {
			p := base("500m")
			p.Spec.InitContainers = []corev1.Container{{Name: "i", Image: "i", Resources: requests("1500m")}}
			return world{objects: nodes(3), pod: p, n: 20}
		},
		"overhead": func() world {
			p := base("750m")
			p.Spec.Overhead = corev1.ResourceList{"cpu": resource.MustParse("250m")}
			return world{objects: nodes(3), pod: p, n: 20}
		},
		"pod-level resources": func() world {
			p := base("300m")
			p.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse(
				"1")}}
			return world{objects: nodes(3), pod: p, n: 20}
		},
		"no requests: too many pods": func() world { return world{objects: nodes(3), pod: base(""), n: 400} },
		"more than any node has":     func() world { return world{objects: nodes(3), pod: base("5"), n: 2} },
		"self anti-affinity on zone": func() world {
			p := base("100m")
			p.Spec.Affinity = &corev1.Affinity{
				PodAntiAffinity: &corev1.PodAntiAffinity{
					RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
						{TopologyKey: corev1.LabelTopologyZone, LabelSelector: web}}}}
			return world{objects: nodes(9), pod: p, n: 9}
		},
		"self affinity on zone, unequal zones": func() world {
			var objects []runtime.Object
			for i := range 40 {
				n := oracle.Node(i, "1", "4Gi", 1)
				n.Labels[corev1.LabelTopologyZone] = "z" +
					map[bool]string{true: "0", false: map[bool]string{true: "1", false: "2"}[i < 36]}[i < 24]
				objects = append(objects, n)
			}
			p := base("1")
			p.Spec.Affinity = &corev1.Affinity{
				PodAffinity: &corev1.PodAffinity{
					RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
						{TopologyKey: corev1.LabelTopologyZone, LabelSelector: web}}}}
			return world{objects: objects, pod: p, n: 50}
		},
		"zone and hostname skew, one node nearly full": func() world {
			objects := append(nodes(6), oracle.Pod("x", "big", "node-00004", "3500m", ""))
			p := base("500m")
			p.Spec.TopologySpreadConstraints = spread(1, 1).Pod.Spec.TopologySpreadConstraints
			return world{objects: objects, pod: p, n: 60}
		},
		"minDomains beyond the zones": func() world {
			p := base("100m")
			p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 2,
				TopologyKey: corev1.LabelTopologyZone, MinDomains: ptr(int32(4)),
				WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: web}}
			return world{objects: nodes(6), pod: p, n: 20}
		},
		"gates": func() world {
			p := base("100m")
			p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/a"}, {Name: "b"}}
			return world{objects: nodes(2), pod: p, n: 3}
		},
		"one node by name": func() world {
			p := base("1500m")
			p.Spec.Affinity = &corev1.Affinity{
				NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
					NodeSelectorTerms: []corev1.NodeSelectorTerm{
						{MatchFields: []corev1.NodeSelectorRequirement{
							{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn,
								Values: []string{"node-00001"}}}}}}}}
			return world{objects: nodes(4), pod: p, n: 5}
		},
		"a nominated pod holds its place": func() world {
			q := oracle.Pod("default", "vip", "", "3", "")
			q.Spec.Priority, q.Status.NominatedNodeName = ptr(int32(10)), "node-00001"
			return world{objects: append(nodes(3), q), pod: base("1"), n: 20}
		},
		"preemption finds a place": func() world {
			p := base("3")
			p.Spec.Priority = ptr(int32(5))
			return world{objects: append(nodes(1), oracle.Pod("x", "low", "node-00000", "2", "")), pod: p, n: 1}
		},
		"preemption never": func() world {
			p := base("3")
			p.Spec.Priority, p.Spec.PreemptionPolicy = ptr(int32(5)), ptr(corev1.PreemptNever)
			return world{objects: append(nodes(1), oracle.Pod("x", "low", "node-00000", "2", "")), pod: p, n: 1}
		},
		"no nodes": func() world { return world{pod: base("1"), n: 1} },
		"10 percent of 250 nodes": func() world {
			return world{objects: nodes(250), pod: base("1"), n: 300,
				config: scheduler.Config{PercentageOfNodesToScore: 10}, oracle: oracle.Options{Percentage: 10}}
		},
		"adaptive percentage of 400 nodes, spread": func() world {
			p := base("1")
			p.Spec.TopologySpreadConstraints = spread(1, 1).Pod.Spec.TopologySpreadConstraints
			return world{objects: nodes(400), pod: p, n: 300,
				config: scheduler.Config{PercentageOfNodesToScore: scheduler.Adaptive},
				oracle: oracle.Options{Adaptive: true}}
		},
		"claim that is not there": func() world {
			return world{objects: nodes(3), pod: withClaim(base("1"), "data"),
				n: 2}
		},
		"read-write-once-pod": func() world {
			objects := append(nodes(3), class("fast", storagev1.VolumeBindingImmediate), volume("pv0", "fast",
				"default/data", corev1.ReadWriteOncePod), claim("data", "fast", "pv0", corev1.ReadWriteOncePod))
			return world{objects: objects, pod: withClaim(base("1"), "data"), n: 5}
		},
		"one shared bound volume": func() world {
			objects := append(nodes(3), class("fast", storagev1.VolumeBindingImmediate), volume("pv0", "fast",
				"default/data", corev1.ReadWriteMany), claim("data", "fast", "pv0", corev1.ReadWriteMany))
			return world{objects: objects, pod: withClaim(base("1"), "data"), n: 20}
		},
		"bound volume of one zone": func() world {
			v := volume("pv0", "fast", "default/data", corev1.ReadWriteMany)
			v.Spec.NodeAffinity = inZone("z1")
			return world{objects: append(nodes(6), class("fast", storagev1.VolumeBindingImmediate), v,
				claim("data", "fast", "pv0", corev1.ReadWriteMany)), pod: withClaim(base("1"), "data"), n: 20}
		},
		"wait for first consumer, local volumes": func() world {
			objects := append(nodes(3), class("local", storagev1.VolumeBindingWaitForFirstConsumer),
				claim("data", "local", "", corev1.ReadWriteMany))
			v := volume("pv0", "local", "", corev1.ReadWriteMany)
			v.Spec.NodeAffinity = inZone("z2")
			return world{objects: append(objects, v), pod: withClaim(base("1"), "data"), n: 20}
		},
		"wait for first consumer, nothing to bind": func() world {
			return world{objects: append(nodes(3), class("local", storagev1.VolumeBindingWaitForFirstConsumer),
				claim("data", "local", "", corev1.ReadWriteMany)), pod: withClaim(base("1"), "data"), n: 2}
		},
		"unbound immediate claim": func() world {
			return world{objects: append(nodes(3), class("fast", storagev1.VolumeBindingImmediate),
				claim("data", "fast", "", corev1.ReadWriteMany)), pod: withClaim(base("1"), "data"), n: 2}
		},
		"a shared device": func() world {
			objects := append(nodes(3), devices("node-00001", 2), deviceClass(),
				&resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gpu", UID: "gpu",
					ResourceVersion: "1"}, Spec: oneDevice()})
			p := base("1")
			p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: ptr("gpu")}}
			return world{objects: objects, pod: p, n: 10}
		},
		"a resource claim that is not there": func() world {
			p := base("1")
			p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: ptr("gpu")}}
			return world{objects: nodes(2), pod: p, n: 2}
		},
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			w := make()
			compare(t, w.objects, w.pod, w.n, w.config, w.oracle)
		})
	}
}

func requests(cpu string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse(cpu)}}
}

func withClaim(p *corev1.Pod, name string) *corev1.Pod {
	p.Spec.Volumes = []corev1.Volume{{Name: "v",
		VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{
			ClaimName: name}}}}
	return p
}

func class(name string, mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name},
		Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: &mode}
}

func volume(name, class, claimed string, mode corev1.PersistentVolumeAccessMode) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), ResourceVersion: "1"},
		Spec: corev1.PersistentVolumeSpec{StorageClassName: class,
			AccessModes: []corev1.PersistentVolumeAccessMode{mode},
			Capacity:    corev1.ResourceList{"storage": resource.MustParse("10Gi")},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: "/data"}}},
		Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeAvailable}}
	if claimed != "" {
		v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data", UID: "data"}
		v.Status.Phase = corev1.VolumeBound
	}
	return v
}

func claim(name, class, bound string, mode corev1.PersistentVolumeAccessMode) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name,
		UID: types.UID(name), ResourceVersion: "1"},
		Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class, VolumeName: bound,
			AccessModes: []corev1.PersistentVolumeAccessMode{mode},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{"storage": resource.MustParse(
				"1Gi")}}}}
	if bound != "" {
		c.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
		c.Status.Phase = corev1.ClaimBound
	}
	return c
}

func inZone(zone string) *corev1.VolumeNodeAffinity {
	return &corev1.VolumeNodeAffinity{
		Required: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{
				{MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}}}}}}
}

func deviceClass() *resourceapi.DeviceClass {
	return &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: "gpu.example.com"},
		Spec: resourceapi.DeviceClassSpec{Selectors: []resourceapi.DeviceSelector{
			{CEL: &resourceapi.CELDeviceSelector{Expression: `device.driver == "gpu.example.com"`}}}}}
}

func devices(node string, n int) *resourceapi.ResourceSlice {
	s := &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: "slice-" + node,
		UID: types.UID("slice-" + node)},
		Spec: resourceapi.ResourceSliceSpec{Driver: "gpu.example.com", NodeName: &node,
			Pool: resourceapi.ResourcePool{Name: node, ResourceSliceCount: 1}}}
	for i := range n {
		s.Spec.Devices = append(s.Spec.Devices, resourceapi.Device{Name: fmt.Sprintf("gpu-%d", i)})
	}
	return s
}

func oneDevice() resourceapi.ResourceClaimSpec {
	return resourceapi.ResourceClaimSpec{
		Devices: resourceapi.DeviceClaim{Requests: []resourceapi.DeviceRequest{{Name: "gpu",
			Exactly: &resourceapi.ExactDeviceRequest{DeviceClassName: "gpu.example.com",
				AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1}}}}}
}
