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

	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/oracle"
)

// Named cases of the effect of pods in the cluster, volumes and devices on a count.
func TestHardCasesOfState(t *testing.T) {
	type world struct {
		objects []runtime.Object
		pod     *corev1.Pod
		n       int
		config  string
	}
	base := func(cpu string) *corev1.Pod {
		p := oracle.Pod("default", "web", "", cpu, "")
		p.Labels = map[string]string{"app": "web", "pod-template-hash": "new"}
		return p
	}
	running := func(name string, node int, cpu string) *corev1.Pod {
		p := oracle.Pod("default", name, fmt.Sprintf("node-%05d", node), cpu, "")
		p.Labels = map[string]string{"app": "web", "pod-template-hash": "old"}
		return p
	}
	zoneSkew := func(p *corev1.Pod) *corev1.Pod {
		p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1,
			TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: web}}
		return p
	}
	devicesOf := func(p *corev1.Pod, template resourceapi.ResourceClaimSpec, objects ...runtime.Object) (
		[]runtime.Object, *corev1.Pod) {
		p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: ptr("gpus")}}
		return append(objects, deviceClass(),
			&resourceapi.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gpus"},
				Spec: resourceapi.ResourceClaimTemplateSpec{Spec: template}}), p
	}
	driverNode := func(i int, limit int32) *storagev1.CSINode {
		return &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%05d", i)},
			Spec: storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{
				{Name: csiDriver, NodeID: "n", Allocatable: &storagev1.VolumeNodeResources{Count: &limit}}}}}
	}
	csiClass := func(name string) *storagev1.StorageClass {
		c := class(name, storagev1.VolumeBindingWaitForFirstConsumer)
		c.Provisioner = csiDriver
		return c
	}
	ephemeral := func(p *corev1.Pod, class string) *corev1.Pod {
		p.Spec.Volumes = []corev1.Volume{{Name: "scratch",
			VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
				VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: claim("", class, "",
					corev1.ReadWriteOnce).Spec}}}}}
		return p
	}
	cases := map[string]func() world{
		"zone skew where one zone has one slot": func() world {
			objects := append(nodes(3), running("old", 2, "3"))
			objects[3].(*corev1.Pod).Labels = nil
			return world{objects: objects, pod: zoneSkew(base("1")), n: 20}
		},
		"terminating pods hold cpu but are not counted in the skew": func() world {
			objects := nodes(3)
			for i := range 3 {
				p := running(fmt.Sprintf("going-%d", i), 0, "1")
				now := metav1.Unix(1700000000, 0)
				p.DeletionTimestamp, p.Finalizers = &now, []string{"x/y"}
				objects = append(objects, p)
			}
			return world{objects: objects, pod: zoneSkew(base("1")), n: 20}
		},
		"a pod being resized holds what it was granted": func() world {
			p := running("resized", 0, "1")
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c",
				AllocatedResources: corev1.ResourceList{"cpu": resource.MustParse("3")}}}
			return world{objects: append(nodes(1), p), pod: base("1"), n: 5}
		},
		"a sidecar before and after an init container": func() world {
			always := corev1.ContainerRestartPolicyAlways
			p := base("500m")
			p.Spec.InitContainers = []corev1.Container{{Name: "before", Resources: requests("1"),
				RestartPolicy: &always}, {Name: "init", Resources: requests("1")},
				{Name: "after", Resources: requests("200m"), RestartPolicy: &always}}
			return world{objects: nodes(2), pod: p, n: 9}
		},
		"host ports, any address against one": func() world {
			p, q := base("100m"), running("old", 0, "100m")
			q.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80, HostIP: "10.0.0.1",
				Protocol: corev1.ProtocolTCP}}
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80,
				Protocol: corev1.ProtocolTCP}}
			return world{objects: append(nodes(3), q), pod: p, n: 5}
		},
		"skew within the new template only": func() world {
			p := zoneSkew(base("500m"))
			p.Spec.TopologySpreadConstraints[0].MatchLabelKeys = []string{"pod-template-hash"}
			return world{objects: append(nodes(3), running("a", 0, "1"), running("b", 0, "1")), pod: p, n: 30}
		},
		"tainted nodes do not count in the skew when the policy says so": func() world {
			objects := nodes(6)
			objects[1].(*corev1.Node).Spec.Taints = []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectNoSchedule}}
			objects[4].(*corev1.Node).Spec.Taints = []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectNoSchedule}}
			p := zoneSkew(base("1"))
			p.Spec.TopologySpreadConstraints[0].NodeTaintsPolicy = ptr(corev1.NodeInclusionPolicyHonor)
			return world{objects: objects, pod: p, n: 30}
		},
		"anti-affinity of pods of another namespace": func() world {
			q := oracle.Pod("other", "loner", "node-00000", "1", "")
			q.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
					{TopologyKey: corev1.LabelTopologyZone, LabelSelector: web,
						NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}}}}}
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default",
				Labels: map[string]string{"team": "a"}}}
			return world{objects: append(nodes(6), q, ns), pod: base("1"), n: 30}
		},
		"hard affinity weight and preferences of pods that are there": func() world {
			q := running("host", 2, "1")
			q.Spec.Affinity = &corev1.Affinity{
				PodAffinity: &corev1.PodAffinity{
					RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
						{TopologyKey: corev1.LabelTopologyZone, LabelSelector: web}},
					PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 30,
						PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname,
							LabelSelector: web}}}}}
			return world{objects: append(nodes(9), q), pod: base("500m"), n: 40, config: "hard weight, added affinity"}
		},
		"csi volume limits": func() world {
			return world{objects: append(nodes(3), csiClass("csi"), driverNode(0, 1), driverNode(1, 2),
				driverNode(2, 0)), pod: ephemeral(base("100m"), "csi"), n: 9}
		},
		"generic ephemeral volumes of a class that is not there": func() world {
			return world{objects: nodes(2), pod: ephemeral(base("100m"), "none"), n: 2}
		},
		"a claim whose volume is gone": func() world {
			return world{objects: append(nodes(2), claim("data", "fast", "pv-gone", corev1.ReadWriteMany)),
				pod: withClaim(base("1"), "data"), n: 2}
		},
		"a volume labelled with a zone": func() world {
			v := volume("pv0", "fast", "default/data", corev1.ReadWriteMany)
			v.Labels = map[string]string{corev1.LabelTopologyZone: "z1"}
			return world{objects: append(nodes(6), class("fast", storagev1.VolumeBindingImmediate), v,
				claim("data", "fast", "pv0", corev1.ReadWriteMany)), pod: withClaim(base("1"), "data"), n: 20}
		},
		"room for volumes by zone": func() world {
			tracked := true
			room := resource.MustParse("2Gi")
			return world{objects: append(nodes(3), csiClass("csi"), driverNode(0, 9), driverNode(1, 9),
				driverNode(2, 9),
				&storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: csiDriver},
					Spec: storagev1.CSIDriverSpec{StorageCapacity: &tracked}},
				&storagev1.CSIStorageCapacity{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "room"},
					StorageClassName: "csi", Capacity: &room,
					NodeTopology: &metav1.LabelSelector{MatchLabels: map[string]string{
						corev1.LabelTopologyZone: "z1"}}}), pod: ephemeral(base("1"), "csi"), n: 9}
		},
		"devices from a template until they are gone": func() world {
			objects, p := devicesOf(base("100m"), oneDevice(),
				append(nodes(3), devices("node-00000", 2), devices("node-00002", 3))...)
			return world{objects: objects, pod: p, n: 9}
		},
		"all devices of a node": func() world {
			spec := oneDevice()
			spec.Devices.Requests[0].Exactly.AllocationMode,
				spec.Devices.Requests[0].Exactly.Count = resourceapi.DeviceAllocationModeAll, 0
			objects, p := devicesOf(base("100m"), spec,
				append(nodes(3), devices("node-00000", 2), devices("node-00002", 3))...)
			return world{objects: objects, pod: p, n: 9}
		},
		"two devices or else one": func() world {
			sub := func(name string, n int64) resourceapi.DeviceSubRequest {
				return resourceapi.DeviceSubRequest{Name: name, DeviceClassName: driver,
					AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: n}
			}
			spec := resourceapi.ResourceClaimSpec{
				Devices: resourceapi.DeviceClaim{Requests: []resourceapi.DeviceRequest{
					{Name: "gpu", FirstAvailable: []resourceapi.DeviceSubRequest{sub("two", 2), sub("one", 1)}}}}}
			objects, p := devicesOf(base("100m"), spec,
				append(nodes(3), devices("node-00000", 2), devices("node-00002", 3))...)
			return world{objects: objects, pod: p, n: 9}
		},
		"admin access takes nothing": func() world {
			spec := oneDevice()
			spec.Devices.Requests[0].Exactly.AdminAccess = ptr(true)
			objects, p := devicesOf(base("1"), spec, append(nodes(2), devices("node-00001", 1))...)
			return world{objects: objects, pod: p, n: 9}
		},
		"an extended resource that a class provides": func() world {
			c := deviceClass()
			c.Spec.ExtendedResourceName = ptr(extended)
			p := base("100m")
			one := resource.MustParse("1")
			p.Spec.Containers[0].Resources.Requests[extended] = one
			p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{extended: one}
			return world{objects: append(nodes(3), c, devices("node-00000", 2), devices("node-00002", 1)), pod: p, n: 9}
		},
		"a device class that is not there": func() world {
			spec := oneDevice()
			spec.Devices.Requests[0].Exactly.DeviceClassName = "none"
			objects, p := devicesOf(base("100m"), spec, append(nodes(2), devices("node-00000", 2))...)
			return world{objects: objects, pod: p, n: 2}
		},
		"an expression that fails": func() world {
			spec := oneDevice()
			spec.Devices.Requests[0].Exactly.Selectors = []resourceapi.DeviceSelector{cel(
				`device.attributes["gpu.example.com"].nothing == "x"`)}
			objects, p := devicesOf(base("100m"), spec, append(nodes(2), devices("node-00000", 2))...)
			return world{objects: objects, pod: p, n: 2}
		},
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			w := make()
			cfg := configuration(w.config)
			compare(t, w.objects, w.pod, w.n, scheduler.Config{Profile: cfg}, oracle.Options{Config: cfg})
		})
	}
}
