package kubeops

import (
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The ready-made objects carry what a usual one carries: owner, labels, managed fields of the
// components that wrote it, conditions, the service account's volume. Their sizes are within 15 %
// of those in testdata. Annotations, images and messages differ from cluster to cluster.

var epoch = metav1.NewTime(time.Date(2024, 5, 22, 2, 0, 0, 0, time.UTC))

const (
	nodeName = "ip-10-0-37-118.ec2.internal"
	podName  = "api-gateway-7f8d9b6-x4z2n"
	someUID  = types.UID("0f3c2a52-6f6c-4f39-9d1c-6a1f6c1c2d11")
	setUID   = types.UID("d0a4c5f7-3f0d-4f1e-8b0c-b3d1f9be6f21")
	noneFits = "0/100 nodes are available: 100 Insufficient cpu. preemption: 0/100 nodes are available: " +
		"100 No preemption victims found for incoming pod."
	accessPath = "/var/run/secrets/kubernetes.io/serviceaccount"
)

func managed(manager, version, fields, sub string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: version,
		Time: &epoch, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields), Subresource: sub}
}

// podFields is the part of a pod that a ReplicaSet's controller owns.
const podFields = `{"f:metadata":{"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}},` +
	`"f:ownerReferences":{".":{},"k:{\"uid\":\"d0a4c5f7-3f0d-4f1e-8b0c-b3d1f9be6f21\"}":{}}},` +
	`"f:spec":{"f:containers":{"k:{\"name\":\"gateway\"}":{".":{},"f:image":{},` +
	`"f:imagePullPolicy":{},"f:name":{},"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{},` +
	`"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}},"f:terminationMessagePath":{},` +
	`"f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},"f:enableServiceLinks":{},` +
	`"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},` +
	`"f:terminationGracePeriodSeconds":{}}}`

// PodPending returns a pod as its ReplicaSet's controller has just created it.
func PodPending() *corev1.Pod {
	yes, no, grace, seconds, priority := true, false, int64(30), int64(300), int32(0)
	never := corev1.PreemptLowerPriority
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: podName, GenerateName: "api-gateway-7f8d9b6-", Namespace: "production", UID: someUID, CreationTimestamp: epoch,
			Labels: map[string]string{"app": "api-gateway", "pod-template-hash": "7f8d9b6"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "api-gateway-7f8d9b6", UID: setUID, Controller: &yes,
				BlockOwnerDeletion: &yes,
			}},
			ManagedFields: []metav1.ManagedFieldsEntry{managed("kube-controller-manager", "v1", podFields, "")},
		},
		Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{tokenVolume()},
			Containers: []corev1.Container{{
				Name: "gateway", Image: "our-registry.io/api-gateway:v2.4.1", ImagePullPolicy: corev1.PullIfNotPresent,
				Resources: corev1.ResourceRequirements{
					Limits:   corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("512Mi")},
					Requests: corev1.ResourceList{"cpu": resource.MustParse("200m"), "memory": resource.MustParse("256Mi")},
				},
				VolumeMounts: []corev1.VolumeMount{{
					Name: "kube-api-access-8x7kq", ReadOnly: true, MountPath: accessPath,
				}},
				TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: corev1.TerminationMessageReadFile,
			}},
			RestartPolicy: corev1.RestartPolicyAlways, TerminationGracePeriodSeconds: &grace, DNSPolicy: corev1.DNSClusterFirst,
			ServiceAccountName: "default", DeprecatedServiceAccount: "default", AutomountServiceAccountToken: &no,
			SecurityContext: &corev1.PodSecurityContext{},
			SchedulerName:   "default-scheduler", Priority: &priority, EnableServiceLinks: &yes, PreemptionPolicy: &never,
			Tolerations: []corev1.Toleration{
				{Key: "node.kubernetes.io/not-ready", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &seconds},
				{Key: "node.kubernetes.io/unreachable", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &seconds},
			},
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBurstable},
	}
}

// tokenVolume returns the volume of the service account's token that admission adds to every pod.
func tokenVolume() corev1.Volume {
	expiry, mode := int64(3607), int32(420)
	namespace := corev1.DownwardAPIVolumeFile{
		Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
	}
	projected := &corev1.ProjectedVolumeSource{DefaultMode: &mode, Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: &expiry, Path: "token"}},
		{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
			Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
		}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{namespace}}},
	}}
	return corev1.Volume{Name: "kube-api-access-8x7kq", VolumeSource: corev1.VolumeSource{Projected: projected}}
}

// PodUnschedulable returns [PodPending] after the scheduler has found no node for it.
func PodUnschedulable() *corev1.Pod {
	p := PodPending()
	p.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: noneFits,
		LastTransitionTime: epoch,
	}}
	p.ManagedFields = append(p.ManagedFields, managed("kube-scheduler", "v1",
		`{"f:status":{"f:conditions":{".":{},"k:{\"type\":\"PodScheduled\"}":{".":{},`+
			`"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:message":{},"f:reason":{},"f:status":{},`+
			`"f:type":{}}}}}`, "status"))
	return p
}

// PodScheduled returns [PodPending] bound to a node.
func PodScheduled() *corev1.Pod {
	p := PodPending()
	p.Spec.NodeName = nodeName
	p.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: epoch,
	}}
	return p
}

// PodRunning returns the pod with its kubelet's status.
func PodRunning() *corev1.Pod {
	p := PodScheduled()
	yes := true
	p.Status.Conditions = nil
	for _, c := range []corev1.PodConditionType{
		"PodReadyToStartContainers", corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady,
		corev1.PodScheduled,
	} {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
			Type: c, Status: corev1.ConditionTrue, LastTransitionTime: epoch,
		})
	}
	p.Status.Phase, p.Status.StartTime = corev1.PodRunning, &epoch
	p.Status.HostIP, p.Status.HostIPs = "10.0.37.118", []corev1.HostIP{{IP: "10.0.37.118"}}
	p.Status.PodIP, p.Status.PodIPs = "10.42.17.203", []corev1.PodIP{{IP: "10.42.17.203"}}
	digest := strings.Repeat("a1b2c3d4", 8)
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "gateway", State: corev1.ContainerState{
			Running: &corev1.ContainerStateRunning{StartedAt: epoch},
		}, Ready: true, Started: &yes,
		Image: "our-registry.io/api-gateway:v2.4.1", ImageID: "our-registry.io/api-gateway@sha256:" + digest,
		ContainerID:  "containerd://" + digest,
		VolumeMounts: []corev1.VolumeMountStatus{{Name: "kube-api-access-8x7kq", MountPath: accessPath, ReadOnly: true}},
	}}
	p.ManagedFields = append(p.ManagedFields, managed("kubelet", "v1", kubeletFields, "status"))
	return p
}

// kubeletFields is the part of a running pod that its kubelet owns.
const kubeletFields = `{"f:status":{"f:conditions":{"k:{\"type\":\"ContainersReady\"}":{".":{},"f:lastProbeTime":{},` +
	`"f:lastTransitionTime":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Initialized\"}":{".":{},` +
	`"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}},` +
	`"k:{\"type\":\"PodReadyToStartContainers\"}":{".":{},"f:lastProbeTime":{},` +
	`"f:lastTransitionTime":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Ready\"}":{".":{},` +
	`"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}}},` +
	`"f:containerStatuses":{},"f:hostIP":{},"f:hostIPs":{},"f:phase":{},"f:podIP":{},` +
	`"f:podIPs":{".":{},"k:{\"ip\":\"10.42.17.203\"}":{".":{},"f:ip":{}}},"f:startTime":{}}}`

// FailedScheduling returns the scheduler's Event about [PodUnschedulable], as stored (core/v1).
func FailedScheduling() *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name: podName + ".187a5b2c3d4e5f60", Namespace: "production", UID: someUID, CreationTimestamp: epoch,
			ManagedFields: []metav1.ManagedFieldsEntry{managed("kube-scheduler", "events.k8s.io/v1",
				`{"f:action":{},"f:eventTime":{},"f:note":{},"f:reason":{},"f:regarding":{},`+
					`"f:reportingController":{},"f:reportingInstance":{},"f:type":{}}`, "")},
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: "production", Name: podName, UID: someUID,
			ResourceVersion: "4502103",
		},
		Reason: "FailedScheduling", Message: noneFits, Type: corev1.EventTypeWarning,
		EventTime: metav1.NewMicroTime(epoch.Time), Action: "Scheduling",
		ReportingController: "default-scheduler", ReportingInstance: "default-scheduler-ip-10-0-37-4.ec2.internal",
	}
}

// BackOff returns a kubelet's Event about a container that it waits to start again.
func BackOff() *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name: podName + ".187a5b2c3d4e5f60", Namespace: "production", UID: someUID, CreationTimestamp: epoch,
			ManagedFields: []metav1.ManagedFieldsEntry{managed("kubelet", "v1",
				`{"f:count":{},"f:firstTimestamp":{},"f:involvedObject":{},"f:lastTimestamp":{},"f:message":{},`+
					`"f:reason":{},"f:reportingComponent":{},"f:reportingInstance":{},"f:source":{"f:component":{},`+
					`"f:host":{}},"f:type":{}}`, "")},
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: "production", Name: podName, UID: someUID,
			ResourceVersion: "4502103", FieldPath: "spec.containers{gateway}",
		},
		Reason: "BackOff", Message: "Back-off restarting failed container", Type: corev1.EventTypeWarning,
		FirstTimestamp: epoch, LastTimestamp: epoch, Count: 7, Source: corev1.EventSource{
			Component: "kubelet", Host: nodeName,
		},
		ReportingController: "kubelet", ReportingInstance: nodeName,
	}
}

// NodeLease returns a kubelet's heartbeat.
func NodeLease() *coordinationv1.Lease {
	holder, seconds, now := nodeName, int32(40), metav1.NewMicroTime(epoch.Time)
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name: nodeName, Namespace: "kube-node-lease", UID: someUID, CreationTimestamp: epoch,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: nodeName, UID: setUID}},
			ManagedFields: []metav1.ManagedFieldsEntry{managed("kubelet", "coordination.k8s.io/v1",
				`{"f:metadata":{"f:ownerReferences":{".":{},`+
					`"k:{\"uid\":\"d0a4c5f7-3f0d-4f1e-8b0c-b3d1f9be6f21\"}":{}}},"f:spec":{"f:holderIdentity":{},`+
					`"f:leaseDurationSeconds":{},"f:renewTime":{}}}`, "")},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}
}

// NodeStatus returns a node with its conditions and so many images in its status. A kubelet lists
// up to 50.
func NodeStatus(images int) *corev1.Node {
	list := corev1.ResourceList{"cpu": resource.MustParse("8"), "memory": resource.MustParse("32386544Ki"),
		"pods":              resource.MustParse("110"),
		"ephemeral-storage": resource.MustParse("103079844Ki"),
		"hugepages-1Gi":     resource.MustParse("0"), "hugepages-2Mi": resource.MustParse("0")}
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName, UID: someUID, CreationTimestamp: epoch,
			Labels: map[string]string{"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
				"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
				"kubernetes.io/hostname": nodeName, "node.kubernetes.io/instance-type": "m5.2xlarge",
				"beta.kubernetes.io/instance-type": "m5.2xlarge", "topology.ebs.csi.aws.com/zone": "us-east-1a",
				"topology.kubernetes.io/region": "us-east-1", "topology.kubernetes.io/zone": "us-east-1a"},
			Annotations: map[string]string{"node.alpha.kubernetes.io/ttl": "0",
				"volumes.kubernetes.io/controller-managed-attach-detach": "true",
				"csi.volume.kubernetes.io/nodeid":                        `{"ebs.csi.aws.com":"i-0abcd1234ef567890"}`,
				"alpha.kubernetes.io/provided-node-ip":                   "10.0.37.118"},
			ManagedFields: []metav1.ManagedFieldsEntry{
				managed(
					"kubelet", "v1",
					`{"f:metadata":{"f:annotations":{".":{},`+
						`"f:volumes.kubernetes.io/controller-managed-attach-detach":{}},"f:labels":{".":{},`+
						`"f:beta.kubernetes.io/arch":{},"f:beta.kubernetes.io/os":{},"f:kubernetes.io/arch":{},`+
						`"f:kubernetes.io/hostname":{},"f:kubernetes.io/os":{}}}}`,
					"",
				),
				managed(
					"kubelet", "v1",
					`{"f:status":{"f:conditions":{"k:{\"type\":\"DiskPressure\"}":{"f:lastHeartbeatTime":{}},`+
						`"k:{\"type\":\"MemoryPressure\"}":{"f:lastHeartbeatTime":{}},`+
						`"k:{\"type\":\"PIDPressure\"}":{"f:lastHeartbeatTime":{}},`+
						`"k:{\"type\":\"Ready\"}":{"f:lastHeartbeatTime":{},"f:lastTransitionTime":{},"f:message":{},`+
						`"f:reason":{},"f:status":{}}},"f:images":{}}}`,
					"status",
				),
			}},
		Spec: corev1.NodeSpec{
			PodCIDR: "10.42.17.0/24", PodCIDRs: []string{"10.42.17.0/24"},
			ProviderID: "aws:///us-east-1a/i-0abcd1234ef567890",
		},
		Status: corev1.NodeStatus{
			Capacity: list, Allocatable: list,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: "10.0.37.118"}, {Type: corev1.NodeInternalDNS, Address: nodeName},
				{Type: corev1.NodeHostName, Address: nodeName},
			},
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: 10250}},
			NodeInfo: corev1.NodeSystemInfo{MachineID: "ec2f6a7b0c1d2e3f405162738495a6b7",
				SystemUUID: "ec2f6a7b-0c1d-2e3f-4051-62738495a6b7", BootID: "5f0c7b1e-9a53-4d5b-8a3e-1f1d2c3b4a59",
				KernelVersion: "5.15.0-101-generic", OSImage: "Ubuntu 22.04.3 LTS",
				ContainerRuntimeVersion: "containerd://1.7.13", KubeletVersion: "v1.29.2", OperatingSystem: "linux",
				Architecture: "amd64"},
		},
	}
	for _, c := range []struct {
		kind            corev1.NodeConditionType
		status          corev1.ConditionStatus
		reason, message string
	}{
		{corev1.NodeMemoryPressure, "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"},
		{corev1.NodeDiskPressure, "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
		{corev1.NodePIDPressure, "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"},
		{corev1.NodeReady, "True", "KubeletReady", "kubelet is posting ready status. AppArmor enabled"},
	} {
		n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{
			Type: c.kind, Status: c.status, LastHeartbeatTime: epoch, LastTransitionTime: epoch, Reason: c.reason,
			Message: c.message,
		})
	}
	for i := range images {
		name := fmt.Sprintf("our-registry.io/platform/service-%03d", i)
		n.Status.Images = append(n.Status.Images, corev1.ContainerImage{
			SizeBytes: 123456789, Names: []string{name + "@sha256:" + strings.Repeat("a1b2c3d4", 8), name + ":v2.4.1"},
		})
	}
	return n
}
