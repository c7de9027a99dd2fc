package live

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
)

type kind struct {
	name string
	list func(context.Context, metav1.ListOptions) (runtime.Object, error)
}

// of turns a typed List method into one of a common type.
func of[L runtime.Object](name string, list func(context.Context, metav1.ListOptions) (L, error)) kind {
	return kind{name, func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return list(ctx, o) }}
}

// kinds returns the kinds that kube-scheduler's plugins, quota and LimitRange admission read. Pods
// come before nodes: a node that appears in between is merely empty, while a pod on a node not
// listed yet would be lost.
func kinds(c kubernetes.Interface) []kind {
	core, storage, resource := c.CoreV1(), c.StorageV1(), c.ResourceV1()
	return []kind{
		of("pods", core.Pods("").List),
		of("nodes", core.Nodes().List),
		of("namespaces", core.Namespaces().List),
		of("resourcequotas", core.ResourceQuotas("").List),
		of("limitranges", core.LimitRanges("").List),
		of("persistentvolumes", core.PersistentVolumes().List),
		of("persistentvolumeclaims", core.PersistentVolumeClaims("").List),
		of("services", core.Services("").List),
		of("replicationcontrollers", core.ReplicationControllers("").List),
		of("replicasets.apps", c.AppsV1().ReplicaSets("").List),
		of("statefulsets.apps", c.AppsV1().StatefulSets("").List),
		of("poddisruptionbudgets.policy", c.PolicyV1().PodDisruptionBudgets("").List),
		of("priorityclasses.scheduling.k8s.io", c.SchedulingV1().PriorityClasses().List),
		of("runtimeclasses.node.k8s.io", c.NodeV1().RuntimeClasses().List),
		of("storageclasses.storage.k8s.io", storage.StorageClasses().List),
		of("csinodes.storage.k8s.io", storage.CSINodes().List),
		of("csidrivers.storage.k8s.io", storage.CSIDrivers().List),
		of("csistoragecapacities.storage.k8s.io", storage.CSIStorageCapacities("").List),
		of("volumeattachments.storage.k8s.io", storage.VolumeAttachments().List),
		of("deviceclasses.resource.k8s.io", resource.DeviceClasses().List),
		of("devicetaintrules.resource.k8s.io", resource.DeviceTaintRules().List),
		of("resourceslices.resource.k8s.io", resource.ResourceSlices().List),
		of("resourceclaims.resource.k8s.io", resource.ResourceClaims("").List),
		of("resourceclaimtemplates.resource.k8s.io", resource.ResourceClaimTemplates("").List),
	}
}
