//go:build ignore

// Generate writes cluster.yaml: the cluster of incident 8829 on the evening before, as `kubectl get
// nodes,namespaces,priorityclasses,pods -A -o yaml` would have printed it.
//
// The report gives the number of nodes, their names, addresses and versions, the 50 gateway pods
// and their resources, and that no node has 200m of cpu left. The machines' size and the other
// tenants are assumed, and drawn from a fixed seed.
package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

var (
	boot   = metav1.NewTime(time.Date(2024, 1, 31, 2, 11, 40, 0, time.UTC)) // 112 days before the report
	chance = rand.New(rand.NewPCG(8829, 0))
	serial = 4_110_000 // of resource versions, below the report's raft index
)

// app is a tenant of the cluster. A DaemonSet has one pod per node.
type app struct {
	namespace, name, owner, hash, image string
	milliCPU, mebibytes                 int64
	limited                             bool // limits of 2.5 x cpu and 2 x memory, as the gateway's
	critical                            string
}

var (
	gateway = app{namespace: "production", name: "api-gateway", owner: "ReplicaSet", hash: "7f8d9b6",
		image: "our-registry.io/api-gateway:v2.4.1", milliCPU: 200, mebibytes: 256, limited: true}

	daemons = []app{
		{namespace: "kube-system", name: "kube-proxy", owner: "DaemonSet", image: "registry.k8s.io/kube-proxy:v1.29.2",
			critical: "system-node-critical"},
		{namespace: "kube-system", name: "calico-node", owner: "DaemonSet", image: "docker.io/calico/node:v3.27.2",
			milliCPU: 250, critical: "system-node-critical"},
		{namespace: "monitoring", name: "node-exporter", owner: "DaemonSet",
			image: "quay.io/prometheus/node-exporter:v1.7.0", milliCPU: 100, mebibytes: 180},
		{namespace: "logging", name: "fluent-bit", owner: "DaemonSet", image: "docker.io/fluent/fluent-bit:2.2.2",
			milliCPU: 100, mebibytes: 128},
	}
	statics = []app{
		{namespace: "kube-system", name: "etcd", owner: "Node", image: "registry.k8s.io/etcd:3.5.10-0", milliCPU: 100,
			mebibytes: 100, critical: "system-node-critical"},
		{namespace: "kube-system", name: "kube-apiserver", owner: "Node",
			image: "registry.k8s.io/kube-apiserver:v1.29.2", milliCPU: 250, critical: "system-node-critical"},
		{namespace: "kube-system", name: "kube-controller-manager", owner: "Node",
			image: "registry.k8s.io/kube-controller-manager:v1.29.2", milliCPU: 200, critical: "system-node-critical"},
		{namespace: "kube-system", name: "kube-scheduler", owner: "Node",
			image: "registry.k8s.io/kube-scheduler:v1.29.2", milliCPU: 100, critical: "system-node-critical"},
	}
	// tenants fill a node from the largest that still fits down to the smallest.
	tenants = []app{
		{namespace: "storefront", name: "recommendations", owner: "ReplicaSet", hash: "6c9d7c5f4d",
			image: "our-registry.io/recommendations:v1.18.0", milliCPU: 4000, mebibytes: 8192},
		{namespace: "storefront", name: "search", owner: "ReplicaSet", hash: "5b8f6d9c77",
			image: "our-registry.io/search:v4.2.7", milliCPU: 3000, mebibytes: 8192},
		{namespace: "storefront", name: "checkout", owner: "ReplicaSet", hash: "84d5f6b9c8",
			image: "our-registry.io/checkout:v2.9.3", milliCPU: 2000, mebibytes: 4096},
		{namespace: "storefront", name: "catalog", owner: "ReplicaSet", hash: "7d69cbb86f",
			image: "our-registry.io/catalog:v3.0.1", milliCPU: 1500, mebibytes: 3072},
		{namespace: "storefront", name: "payments", owner: "ReplicaSet", hash: "65fdd9c5bb",
			image: "our-registry.io/payments:v1.7.12", milliCPU: 1000, mebibytes: 2048},
		{namespace: "batch", name: "thumbnailer", owner: "ReplicaSet", hash: "9c7fb4d66",
			image: "our-registry.io/thumbnailer:v0.9.4", milliCPU: 500, mebibytes: 1024},
		{namespace: "batch", name: "mailer", owner: "ReplicaSet", hash: "f9b5d8c64",
			image: "our-registry.io/mailer:v1.1.0", milliCPU: 200, mebibytes: 256},
	}
)

func main() {
	var items []runtime.Object
	for _, name := range []string{"batch", "default", "kube-node-lease", "kube-public", "kube-system", "logging",
		"monitoring", "production", "storefront"} {
		items = append(items, &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: meta("", name, map[string]string{"kubernetes.io/metadata.name": name}),
			Status:     corev1.NamespaceStatus{Phase: corev1.NamespaceActive}})
	}
	items = append(items, priorityClass("system-cluster-critical", 2000000000),
		priorityClass("system-node-critical", 2000001000))

	var nodes []*corev1.Node
	for i := 1; i <= 3; i++ {
		nodes = append(nodes, node(fmt.Sprintf("node-p-%02d", i), fmt.Sprintf("10.0.42.%d", i), 8, 32, i, true))
	}
	for i := 101; i <= 197; i++ {
		nodes = append(nodes, node(fmt.Sprintf("node-w-%d", i), fmt.Sprintf("10.0.43.%d", i), 16, 64, i, false))
	}
	var pods []runtime.Object
	for i, n := range nodes {
		items = append(items, n)
		pods = append(pods, tenancy(n, i)...)
	}
	write("cluster.yaml", append(items, pods...))
}

// tenancy returns the pods of the i-th node. After them less than the gateway's 200m is left.
func tenancy(n *corev1.Node, i int) (pods []runtime.Object) {
	free := n.Status.Allocatable.Cpu().MilliValue()
	put := func(a app) {
		free -= a.milliCPU
		pods = append(pods, pod(a, n.Name, n.Status.Addresses[0].Address, len(pods)+2, i))
	}
	for _, d := range daemons {
		put(d)
	}
	if i < 3 {
		for _, s := range statics {
			put(s)
		}
	} else if i < 53 {
		put(gateway)
	}
	for start := chance.IntN(4); free >= gateway.milliCPU; start = chance.IntN(len(tenants)) {
		for _, t := range tenants[start:] {
			if t.milliCPU <= free {
				put(t)
				break
			}
		}
	}
	return pods
}

func meta(namespace, name string, labels map[string]string) metav1.ObjectMeta {
	serial += 1 + chance.IntN(40)
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels, CreationTimestamp: boot,
		ResourceVersion: fmt.Sprint(serial), UID: uid()}
}

func uid() types.UID {
	a, b := chance.Uint64(), chance.Uint64()
	return types.UID(fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000,
		b&0xffffffffffff))
}

// suffix draws a pod name's random end, in the API server's alphabet.
func suffix() string {
	const alphabet = "bcdfghjklmnpqrstvwxz2456789"
	s := make([]byte, 5)
	for i := range s {
		s[i] = alphabet[chance.IntN(len(alphabet))]
	}
	return string(s)
}

func priorityClass(name string, value int32) runtime.Object {
	return &schedulingv1.PriorityClass{TypeMeta: metav1.TypeMeta{APIVersion: "scheduling.k8s.io/v1",
		Kind: "PriorityClass"}, ObjectMeta: meta("", name, nil), Value: value}
}

func resources(cores, gib int64) (capacity, allocatable corev1.ResourceList) {
	list := func(milli, mib int64) corev1.ResourceList {
		return corev1.ResourceList{
			corev1.ResourceCPU:              *resource.NewMilliQuantity(milli, resource.DecimalSI),
			corev1.ResourceMemory:           *resource.NewQuantity(mib<<20, resource.BinarySI),
			corev1.ResourceEphemeralStorage: resource.MustParse("459850824Ki"),
			corev1.ResourcePods:             resource.MustParse("110"),
			"hugepages-1Gi":                 resource.MustParse("0"), "hugepages-2Mi": resource.MustParse("0"),
		}
	}
	capacity, allocatable = list(cores*1000, gib<<10-412), list(cores*1000-200, gib<<10-412-1124)
	allocatable[corev1.ResourceEphemeralStorage] = resource.MustParse("423798518Ki")
	return capacity, allocatable
}

func node(name, ip string, cores, gib int64, i int, controlPlane bool) *corev1.Node {
	labels := map[string]string{
		"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		"kubernetes.io/os":       "linux",
		"kubernetes.io/hostname": name, "topology.kubernetes.io/region": "us-east-1",
		"topology.kubernetes.io/zone": "us-east-1" + string(rune('a'+i%3)),
	}
	if controlPlane {
		labels["node-role.kubernetes.io/control-plane"] = ""
	} else {
		labels["node-role.kubernetes.io/worker"] = ""
	}
	capacity, allocatable := resources(cores, gib)
	n := &corev1.Node{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}, ObjectMeta: meta("", name, labels)}
	n.Annotations = map[string]string{"projectcalico.org/IPv4Address": ip + "/24",
		"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
	n.Spec = corev1.NodeSpec{PodCIDR: fmt.Sprintf("10.244.%d.0/24", i),
		PodCIDRs: []string{fmt.Sprintf("10.244.%d.0/24", i)}}
	n.Status = corev1.NodeStatus{
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: ip},
			{Type: corev1.NodeHostName, Address: name}},
		Capacity: capacity, Allocatable: allocatable,
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: 10250}},
		NodeInfo: corev1.NodeSystemInfo{Architecture: "amd64", ContainerRuntimeVersion: "containerd://1.7.13",
			KernelVersion:    "5.15.0-101-generic",
			KubeProxyVersion: "v1.29.2", KubeletVersion: "v1.29.2", OperatingSystem: "linux",
			OSImage: "Ubuntu 22.04.3 LTS"},
	}
	for _, c := range []struct {
		kind           corev1.NodeConditionType
		status         corev1.ConditionStatus
		reason, saying string
	}{
		{corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory",
			"kubelet has sufficient memory available"},
		{corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
		{corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID",
			"kubelet has sufficient PID available"},
		{corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"},
	} {
		n.Status.Conditions = append(n.Status.Conditions,
			corev1.NodeCondition{Type: c.kind, Status: c.status, Reason: c.reason, Message: c.saying,
				LastHeartbeatTime:  metav1.NewTime(time.Date(2024, 5, 22, 1, 57, 3, 0, time.UTC)),
				LastTransitionTime: boot})
	}
	return n
}

func pod(a app, nodeName, hostIP string, ordinal, nodeIndex int) *corev1.Pod {
	name, labels := a.name+"-"+suffix(), map[string]string{"app": a.name}
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}}
	switch a.owner {
	case "ReplicaSet":
		labels["pod-template-hash"] = a.hash
		name = a.name + "-" + a.hash + "-" + suffix()
	case "Node":
		name, labels = a.name+"-"+nodeName, map[string]string{"component": a.name, "tier": "control-plane"}
	}
	p.ObjectMeta = meta(a.namespace, name, labels)
	p.OwnerReferences = []metav1.OwnerReference{owner(a, nodeName)}
	requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
	if a.milliCPU > 0 {
		requests[corev1.ResourceCPU] = *resource.NewMilliQuantity(a.milliCPU, resource.DecimalSI)
	}
	if a.mebibytes > 0 {
		requests[corev1.ResourceMemory] = *resource.NewQuantity(a.mebibytes<<20, resource.BinarySI)
	}
	if a.limited {
		limits[corev1.ResourceCPU] = *resource.NewMilliQuantity(a.milliCPU*5/2, resource.DecimalSI)
		limits[corev1.ResourceMemory] = *resource.NewQuantity(a.mebibytes*2<<20, resource.BinarySI)
	}
	container := a.name
	if a.name == gateway.name {
		container = "gateway"
	}
	grace, priority, preempt := int64(30), int32(0), corev1.PreemptLowerPriority
	if a.critical != "" {
		priority = 2000001000
	}
	p.Spec = corev1.PodSpec{
		Containers: []corev1.Container{{Name: container, Image: a.image, ImagePullPolicy: corev1.PullIfNotPresent,
			Resources: corev1.ResourceRequirements{Requests: requests, Limits: limits}}},
		NodeName: nodeName, DNSPolicy: corev1.DNSClusterFirst, RestartPolicy: corev1.RestartPolicyAlways,
		SchedulerName:                 "default-scheduler",
		TerminationGracePeriodSeconds: &grace, Priority: &priority, PriorityClassName: a.critical,
		PreemptionPolicy: &preempt,
		HostNetwork:      a.owner == "Node" || a.critical != "",
	}
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, HostIP: hostIP, StartTime: &boot, QOSClass: qos(a)}
	p.Status.PodIP = fmt.Sprintf("10.244.%d.%d", nodeIndex, ordinal)
	if p.Spec.HostNetwork {
		p.Status.PodIP = hostIP
	}
	for _, c := range []corev1.PodConditionType{corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady,
		corev1.PodScheduled} {
		p.Status.Conditions = append(p.Status.Conditions,
			corev1.PodCondition{Type: c, Status: corev1.ConditionTrue, LastTransitionTime: boot})
	}
	return p
}

var owners = map[string]types.UID{}

func owner(a app, nodeName string) metav1.OwnerReference {
	yes, name, version := true, a.name, "apps/v1"
	switch a.owner {
	case "ReplicaSet":
		name += "-" + a.hash
	case "Node":
		name, version = nodeName, "v1"
	}
	if owners[a.owner+name] == "" {
		owners[a.owner+name] = uid()
	}
	return metav1.OwnerReference{APIVersion: version, Kind: a.owner, Name: name, UID: owners[a.owner+name],
		Controller: &yes, BlockOwnerDeletion: &yes}
}

func qos(a app) corev1.PodQOSClass {
	if a.milliCPU == 0 && a.mebibytes == 0 {
		return corev1.PodQOSBestEffort
	}
	return corev1.PodQOSBurstable
}

func write(file string, items []runtime.Object) {
	var b bytes.Buffer
	b.WriteString("apiVersion: v1\nitems:\n")
	for _, item := range items {
		text, err := yaml.Marshal(item)
		if err != nil {
			panic(err)
		}
		for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
			lead := "  "
			if i == 0 {
				lead = "- "
			}
			fmt.Fprintf(&b, "%s%s\n", lead, line)
		}
	}
	b.WriteString("kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
