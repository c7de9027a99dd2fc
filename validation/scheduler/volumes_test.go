package scheduler_test

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// This file draws the storage of a mixture: classes, drivers with limits and capacity, volumes,
// claims in every state.

const csiDriver = "csi.example.com"

// volumes draws storage for the mixture's cluster and gives the pod some of it.
func (m *mixture) volumes(pod *corev1.Pod) {
	m.classes()
	for i := range m.IntN(6) {
		m.persistentVolume(i)
	}
	var claims []string
	for i := range 1 + m.IntN(4) {
		claims = append(claims, m.persistentVolumeClaim(i))
	}
	m.csiNodes()
	for _, o := range m.objects {
		if p, ok := o.(*corev1.Pod); ok && m.one(4) {
			m.mount(p, claims)
		}
	}
	m.mount(pod, claims)
}

func (m *mixture) classes() {
	for _, name := range []string{"fast", "wait", "local"} {
		if m.one(12) {
			continue
		}
		mode, provisioner := storagev1.VolumeBindingWaitForFirstConsumer, csiDriver
		switch name {
		case "fast":
			mode = storagev1.VolumeBindingImmediate
		case "local":
			provisioner = "kubernetes.io/no-provisioner"
		}
		c := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: provisioner,
			VolumeBindingMode: &mode}
		if name == "wait" && m.one(2) {
			c.AllowedTopologies = []corev1.TopologySelectorTerm{
				{MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{
					{Key: corev1.LabelTopologyZone, Values: []string{"z0", "z1"}}}}}
		}
		m.objects = append(m.objects, c)
	}
	if tracked := m.one(2); m.one(2) {
		m.objects = append(m.objects, &storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: csiDriver},
			Spec: storagev1.CSIDriverSpec{StorageCapacity: &tracked}})
	}
	for zone := range 3 {
		if m.one(3) {
			continue
		}
		room := resource.MustParse(pick(m, "0", "2Gi", "20Gi"))
		c := &storagev1.CSIStorageCapacity{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system",
			Name: fmt.Sprintf("room-%d", zone)}, StorageClassName: "wait", Capacity: &room,
			NodeTopology: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelTopologyZone: fmt.Sprintf(
				"z%d", zone)}}}
		if m.one(3) {
			largest := resource.MustParse("1Gi")
			c.MaximumVolumeSize = &largest
		}
		m.objects = append(m.objects, c)
	}
}

func (m *mixture) mode() corev1.PersistentVolumeAccessMode {
	return pick(m, corev1.ReadWriteOnce, corev1.ReadWriteMany, corev1.ReadWriteMany, corev1.ReadWriteOncePod)
}

func (m *mixture) persistentVolume(i int) {
	name := fmt.Sprintf("pv-%d", i)
	v := volume(name, pick(m, "fast", "wait", "local", "local"), "", m.mode())
	v.Spec.AccessModes = append(v.Spec.AccessModes, corev1.ReadWriteMany)
	// Each a size of its own: of equally large volumes kube-scheduler binds any, in the order of a
	// map.
	v.Spec.Capacity[corev1.ResourceStorage] = resource.MustParse(fmt.Sprintf("%d", pick(m, 1<<30, 5<<30, 20<<30)+i))
	if m.one(2) {
		v.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: csiDriver, VolumeHandle: pick(m, name, "shared")}}
	}
	switch m.IntN(4) {
	case 0:
		v.Spec.NodeAffinity = inZone(fmt.Sprintf("z%d", m.IntN(3)))
	case 1:
		v.Spec.NodeAffinity = inZone("")
		v.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0] = corev1.NodeSelectorRequirement{
			Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn,
			Values: []string{pick(m, m.nodes...).Name, pick(m, m.nodes...).Name}}
	case 2: // as before there were node affinities: two zones at most
		v.Labels = map[string]string{corev1.LabelTopologyZone: pick(m, "z0", "z1", "z0__z1")}
	}
	m.objects = append(m.objects, v)
}

// persistentVolumeClaim draws a claim: bound, waiting, lost, being deleted, or none at all under
// that name.
func (m *mixture) persistentVolumeClaim(i int) string {
	name := fmt.Sprintf("data-%d", i)
	c := claim(name, pick(m, "fast", "wait", "local"), "", m.mode())
	c.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse(pick(m, "1Gi", "3Gi", "10Gi"))
	c.Status.Phase = corev1.ClaimPending
	switch m.IntN(10) {
	case 0, 1, 2, 3: // bound, if there is a volume to be had
		for _, o := range m.objects {
			if v, ok := o.(*corev1.PersistentVolume); ok && v.Spec.ClaimRef == nil {
				v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: name, UID: types.UID(name)}
				v.Status.Phase = corev1.VolumeBound
				c = claim(name, v.Spec.StorageClassName, v.Name, v.Spec.AccessModes[0])
				break
			}
		}
	case 4:
		c = claim(name, "fast", "pv-gone", corev1.ReadWriteMany)
	case 5:
		now := metav1.Unix(1700000000, 0)
		c.DeletionTimestamp, c.Finalizers = &now, []string{"kubernetes.io/pvc-protection"}
	case 6:
		c.Annotations = map[string]string{"volume.kubernetes.io/selected-node": pick(m, m.nodes...).Name}
	case 7:
		if m.one(2) {
			return name // not there
		}
		c.Status.Phase = corev1.ClaimLost
	}
	m.objects = append(m.objects, c)
	return name
}

func (m *mixture) csiNodes() {
	for i, n := range m.nodes {
		if m.one(4) {
			continue
		}
		c := &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: n.Name, UID: types.UID("csi-" + strconv.Itoa(i))}}
		d := storagev1.CSINodeDriver{Name: csiDriver, NodeID: n.Name, TopologyKeys: []string{corev1.LabelTopologyZone}}
		if limit := int32(1 + m.IntN(4)); m.one(2) {
			d.Allocatable = &storagev1.VolumeNodeResources{Count: &limit}
		}
		c.Spec.Drivers = []storagev1.CSINodeDriver{d}
		m.objects = append(m.objects, c)
	}
}

// mount gives a pod volumes: claims, generic ephemeral ones, disks by name as VolumeRestrictions
// knows them.
func (m *mixture) mount(p *corev1.Pod, claims []string) {
	bound := p.Spec.NodeName != ""
	for k := range 1 + m.IntN(2) {
		v := corev1.Volume{Name: fmt.Sprintf("v%d", k)}
		switch kind := m.IntN(6); {
		case kind == 0 && !bound:
			spec := claim("", pick(m, "wait", "wait", "local", "fast"), "", corev1.ReadWriteOnce).Spec
			v.Ephemeral = &corev1.EphemeralVolumeSource{
				VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: spec}}
		case kind == 1:
			v.VolumeSource = m.disk()
		default:
			v.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: pick(m, claims...),
				ReadOnly: m.one(6)}
		}
		p.Spec.Volumes = append(p.Spec.Volumes, v)
	}
}

func (m *mixture) disk() corev1.VolumeSource {
	switch m.IntN(4) {
	case 0:
		return corev1.VolumeSource{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: pick(m, "a", "b"),
			ReadOnly: m.one(2)}}
	case 1:
		return corev1.VolumeSource{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: pick(m, "a",
			"b")}}
	case 2:
		return corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{IQN: pick(m, "a", "b"), ReadOnly: m.one(2)}}
	}
	return corev1.VolumeSource{RBD: &corev1.RBDVolumeSource{CephMonitors: []string{"m"}, RBDImage: pick(m, "a", "b"),
		RBDPool: "p", ReadOnly: m.one(2)}}
}
