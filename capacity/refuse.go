package capacity

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
)

// needsScheduler returns an error that names the first feature of the pod that cannot be counted
// node by node, or nil.
func (q *question) needsScheduler() error {
	spec := &q.pod.Spec
	for i, c := range spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule {
			return refused("PodTopologySpread", fmt.Sprintf("spec.topologySpreadConstraints[%d] over %s", i,
				c.TopologyKey))
		}
	}
	if a := spec.Affinity; a != nil {
		if a.PodAffinity != nil && len(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0 {
			return refused("InterPodAffinity", "spec.affinity.podAffinity is required")
		}
		if a.PodAntiAffinity != nil && len(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0 {
			return refused("InterPodAffinity", "spec.affinity.podAntiAffinity is required")
		}
	}
	for i := range spec.Volumes {
		if plugin := schedulesBy(&spec.Volumes[i]); plugin != "" {
			return refused(plugin, fmt.Sprintf("spec.volumes[%d] %s", i, spec.Volumes[i].Name))
		}
	}
	if len(spec.ResourceClaims) > 0 {
		return refused("DynamicResources", "spec.resourceClaims")
	}
	return cmp.Or(q.byDevices(), q.byOthers())
}

// schedulesBy returns the plugin to which a volume matters, or "". Volumes that the kubelet makes,
// or mounts anywhere, matter to none.
func schedulesBy(v *corev1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil, v.Ephemeral != nil:
		return "VolumeBinding"
	case v.GCEPersistentDisk != nil, v.AWSElasticBlockStore != nil, v.ISCSI != nil, v.RBD != nil:
		return "VolumeRestrictions"
	case v.AzureDisk != nil, v.AzureFile != nil, v.Cinder != nil, v.VsphereVolume != nil, v.PortworxVolume != nil:
		return "NodeVolumeLimits" // migrated to CSI, whose drivers limit volumes for each node
	}
	return ""
}

// byDevices refuses a pod that requests devices. An extended resource that a DeviceClass offers is
// allocated as devices where no node plugin has it (P/noderesources/fit.go,
// shouldDelegateResourceToDRA).
func (q *question) byDevices() error {
	requests := requestsOf(q.pod)
	if len(q.state.DeviceClasses) == 0 && !asksDevices(requests) {
		return nil
	}
	for _, name := range sortedNames(requests) {
		amount := requests[name]
		if amount.IsZero() {
			continue
		}
		if strings.HasPrefix(string(name), resourcev1.ResourceDeviceClassPrefix) {
			return refused("DynamicResources", "a request for "+string(name))
		}
		for _, class := range q.state.DeviceClasses {
			if class.Spec.ExtendedResourceName != nil && *class.Spec.ExtendedResourceName == string(name) {
				return refused("DynamicResources", fmt.Sprintf("a request for %s, which DeviceClass %s offers", name,
					class.Name))
			}
		}
	}
	return nil
}

// asksDevices reports whether a requested resource is named as the devices of a DeviceClass are.
func asksDevices(requests corev1.ResourceList) bool {
	for name := range requests {
		if strings.HasPrefix(string(name), resourcev1.ResourceDeviceClassPrefix) {
			return true
		}
	}
	return false
}

// byOthers refuses a pod that the required anti-affinity of bound pods keeps away.
func (q *question) byOthers() error {
	for i := range q.table.antiAffinity {
		if term := &q.table.antiAffinity[i]; term.keepsAway(q) {
			return refused("InterPodAffinity", "the required anti-affinity of pod "+term.owner)
		}
	}
	return nil
}

func sortedNames(list corev1.ResourceList) []corev1.ResourceName {
	return slices.Sorted(maps.Keys(list))
}
