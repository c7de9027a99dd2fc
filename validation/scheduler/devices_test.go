package scheduler_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// This file draws the devices of a mixture: slices of nodes, zones and the whole cluster, classes,
// claims in every state, templates.

const driver = "gpu.example.com"

// devices draws devices for the mixture's cluster and gives the pod claims on some.
func (m *mixture) devices(pod *corev1.Pod) {
	m.deviceClasses()
	m.slices()
	m.rules()
	for i := range 3 {
		m.resourceClaim(i)
		m.objects = append(m.objects,
			&resourceapi.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default",
				Name: fmt.Sprintf("template-%d", i)},
				Spec: resourceapi.ResourceClaimTemplateSpec{Spec: m.claimSpec()}})
	}
	for k := range 1 + m.IntN(2) {
		c := corev1.PodResourceClaim{Name: fmt.Sprintf("c%d", k)}
		if name := fmt.Sprintf("claim-%d", m.IntN(4)); m.one(3) { // claim-3 is not there
			c.ResourceClaimName = &name
		} else {
			name = fmt.Sprintf("template-%d", m.IntN(3))
			c.ResourceClaimTemplateName = &name
		}
		if m.one(20) {
			c.ResourceClaimName, c.ResourceClaimTemplateName = nil, ptr("no-such-template")
		}
		pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, c)
	}
	if m.one(4) { // an extended resource, perhaps by way of a class
		pod.Spec.ResourceClaims = pod.Spec.ResourceClaims[:m.IntN(2)]
		c := &pod.Spec.Containers[0]
		n := resource.MustParse(pick(m, "1", "2"))
		c.Resources.Requests[extended] = n
		c.Resources.Limits = corev1.ResourceList{}
		for name, q := range c.Resources.Requests {
			if name != corev1.ResourceCPU && name != corev1.ResourceMemory {
				c.Resources.Limits[name] = q
			}
		}
	}
}

const extended = "example.com/dra"

func (m *mixture) deviceClasses() {
	m.objects = append(m.objects, deviceClass())
	big := deviceClass()
	big.Name, big.UID = "big", "big"
	big.Spec.Selectors = append(big.Spec.Selectors, cel(`device.attributes["gpu.example.com"].size >= 2`))
	if m.one(2) {
		name := extended
		big.Spec.ExtendedResourceName = &name
	}
	m.objects = append(m.objects, big)
	for _, n := range m.nodes {
		if m.one(3) {
			n.Status.Allocatable[extended] = resource.MustParse(pick(m, "0", "2"))
		}
	}
}

func cel(expression string) resourceapi.DeviceSelector {
	return resourceapi.DeviceSelector{CEL: &resourceapi.CELDeviceSelector{Expression: expression}}
}

func (m *mixture) slice(name string, n int) *resourceapi.ResourceSlice {
	s := &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: "slice-" + name,
		UID: types.UID("slice-" + name), ResourceVersion: "1"},
		Spec: resourceapi.ResourceSliceSpec{Driver: driver,
			Pool: resourceapi.ResourcePool{Name: name, ResourceSliceCount: 1}}}
	for i := range n {
		d := resourceapi.Device{Name: fmt.Sprintf("gpu-%d", i),
			Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
				"size": {IntValue: ptr(int64(1 + m.IntN(3)))}, "model": {StringValue: ptr(pick(m, "a", "b"))}},
			Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{"memory": {Value: resource.MustParse(
				pick(m, "8Gi", "16Gi"))}}}
		if m.one(8) {
			d.Taints = []resourceapi.DeviceTaint{{Key: "ill", Value: "yes",
				Effect: pick(m, resourceapi.DeviceTaintEffectNoSchedule, resourceapi.DeviceTaintEffectNoExecute)}}
		}
		s.Spec.Devices = append(s.Spec.Devices, d)
	}
	if m.one(12) {
		s.Spec.Pool.ResourceSliceCount = 2 // a pool that is not complete
	}
	return s
}

func (m *mixture) slices() {
	for _, n := range m.nodes {
		if m.one(3) {
			continue
		}
		s := m.slice(n.Name, m.IntN(5))
		s.Spec.NodeName = &n.Name
		m.objects = append(m.objects, s)
	}
	if m.one(3) {
		s := m.slice("zone", 1+m.IntN(4))
		s.Spec.NodeSelector = inZone("z0").Required
		m.objects = append(m.objects, s)
	}
	if m.one(3) {
		s := m.slice("anywhere", 1+m.IntN(3))
		s.Spec.AllNodes = ptr(true)
		m.objects = append(m.objects, s)
	}
}

func (m *mixture) rules() {
	if m.one(5) {
		m.objects = append(m.objects,
			&resourceapi.DeviceTaintRule{ObjectMeta: metav1.ObjectMeta{Name: "rule", UID: "rule", ResourceVersion: "1"},
				Spec: resourceapi.DeviceTaintRuleSpec{DeviceSelector: &resourceapi.DeviceTaintSelector{Device: ptr(
					"gpu-0")},
					Taint: resourceapi.DeviceTaint{Key: "ill", Value: "rule",
						Effect: resourceapi.DeviceTaintEffectNoSchedule}}})
	}
}

func (m *mixture) exactly() *resourceapi.ExactDeviceRequest {
	r := &resourceapi.ExactDeviceRequest{DeviceClassName: pick(m, driver, driver, "big", "big", "big"),
		AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: int64(1 + m.IntN(2))}
	if m.one(25) {
		r.DeviceClassName = "none"
	}
	switch m.IntN(8) {
	case 0:
		r.AllocationMode, r.Count = resourceapi.DeviceAllocationModeAll, 0
	case 1:
		r.AdminAccess = ptr(true)
	case 2:
		r.Tolerations = []resourceapi.DeviceToleration{{Key: "ill", Operator: resourceapi.DeviceTolerationOpExists}}
	}
	if m.one(3) {
		r.Selectors = []resourceapi.DeviceSelector{cel(pick(m, `device.attributes["gpu.example.com"].model == "a"`,
			`device.capacity["gpu.example.com"].memory.compareTo(quantity("10Gi")) >= 0`))}
	}
	return r
}

func (m *mixture) claimSpec() resourceapi.ResourceClaimSpec {
	var c resourceapi.DeviceClaim
	for k := range 1 + m.IntN(2) {
		c.Requests = append(c.Requests, resourceapi.DeviceRequest{Name: fmt.Sprintf("r%d", k), Exactly: m.exactly()})
	}
	if m.one(5) {
		r := resourceapi.DeviceRequest{Name: "either"}
		for _, sub := range []string{"first", "second"} {
			e := m.exactly()
			r.FirstAvailable = append(r.FirstAvailable,
				resourceapi.DeviceSubRequest{Name: sub, DeviceClassName: e.DeviceClassName, Selectors: e.Selectors,
					AllocationMode: e.AllocationMode, Count: e.Count, Tolerations: e.Tolerations})
		}
		c.Requests[0] = r
	}
	if m.one(4) {
		c.Constraints = []resourceapi.DeviceConstraint{{MatchAttribute: ptr(
			resourceapi.FullyQualifiedName(driver + "/model"))}}
	}
	return resourceapi.ResourceClaimSpec{Devices: c}
}

// resourceClaim draws a claim that pods share: not allocated, or allocated on some node and in use
// or idle.
func (m *mixture) resourceClaim(i int) {
	name := fmt.Sprintf("claim-%d", i)
	c := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name,
		UID: types.UID(name), ResourceVersion: "1"}, Spec: m.claimSpec()}
	switch m.IntN(5) {
	case 0, 1:
		n := pick(m, m.nodes...).Name
		c.Status.Allocation = &resourceapi.AllocationResult{
			NodeSelector: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn,
					Values: []string{n}}}}}},
			Devices: resourceapi.DeviceAllocationResult{Results: []resourceapi.DeviceRequestAllocationResult{
				{Request: c.Spec.Devices.Requests[0].Name, Driver: driver, Pool: n, Device: "gpu-0"}}}}
		if m.one(2) {
			c.Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: "somebody",
				UID: "somebody"}}
		}
	case 2:
		if m.one(4) {
			now := metav1.Unix(1700000000, 0)
			c.DeletionTimestamp, c.Finalizers = &now, []string{"x/y"}
		}
	}
	m.objects = append(m.objects, c)
}

// usesTemplates reports whether something is made for each replica of the pod.
func usesTemplates(pod *corev1.Pod) bool {
	for _, c := range pod.Spec.ResourceClaims {
		if c.ResourceClaimTemplateName != nil {
			return true
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.Ephemeral != nil {
			return true
		}
	}
	return false
}
