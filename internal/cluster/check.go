package cluster

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// named returns namespace/name, or the name alone of an object without namespace.
func named(o metav1.Object) string {
	if o.GetNamespace() == "" {
		return o.GetName()
	}
	return o.GetNamespace() + "/" + o.GetName()
}

// check finds the first fault that would make every count meaningless.
func (s *State) check() error {
	for _, node := range s.Nodes {
		if err := notNegative("Node "+node.Name, "status.allocatable", node.Status.Allocatable); err != nil {
			return err
		}
	}
	for _, quota := range s.ResourceQuotas {
		if err := checkQuota(quota); err != nil {
			return err
		}
	}
	for _, limits := range s.LimitRanges {
		if err := checkLimitRange(limits); err != nil {
			return err
		}
	}
	for _, class := range s.RuntimeClasses {
		if class.Overhead != nil {
			if err := notNegative("RuntimeClass "+class.Name, "overhead.podFixed",
				class.Overhead.PodFixed); err != nil {
				return err
			}
		}
	}
	return s.bind()
}

// bind finds the node of every pod that holds one.
func (s *State) bind() error {
	s.NodeOf = make([]int32, len(s.Pods))
	byName := make(map[string]int32, len(s.Nodes))
	for i, node := range s.Nodes {
		byName[node.Name] = int32(i)
	}
	for i, pod := range s.Pods {
		if err := CheckPodSpec("Pod "+pod.Namespace+"/", pod.Name, &pod.Spec); err != nil {
			return err
		}
		if err := checkPodStatus(pod); err != nil {
			return err
		}
		s.NodeOf[i] = -1
		if pod.Spec.NodeName == "" || Finished(pod) {
			continue
		}
		node, ok := byName[pod.Spec.NodeName]
		if !ok {
			return fmt.Errorf("%s: spec.nodeName is %q, want a node of the snapshot", "Pod "+named(pod),
				pod.Spec.NodeName)
		}
		s.NodeOf[i] = node
	}
	return nil
}

// CheckPodSpec returns an error for negative quantities in a pod. prefix and name name the pod in
// it.
func CheckPodSpec(prefix, name string, spec *corev1.PodSpec) error {
	for i := range spec.Containers {
		if err := checkContainer(prefix, name, "spec.containers", &spec.Containers[i]); err != nil {
			return err
		}
	}
	for i := range spec.InitContainers {
		if err := checkContainer(prefix, name, "spec.initContainers", &spec.InitContainers[i]); err != nil {
			return err
		}
	}
	if spec.Resources != nil {
		if err := checkRequirements(prefix, name, "spec.resources", "", spec.Resources); err != nil {
			return err
		}
	}
	if anyNegative(spec.Overhead) {
		return notNegative(prefix+name, "spec.overhead", spec.Overhead)
	}
	return nil
}

// checkPodStatus finds negative quantities among the resources that a pod was granted and has. A
// pod being resized holds those.
func checkPodStatus(pod *corev1.Pod) error {
	status := &pod.Status
	if err := checkContainerStatuses(pod, "status.containerStatuses", status.ContainerStatuses); err != nil {
		return err
	}
	if err := checkContainerStatuses(pod, "status.initContainerStatuses", status.InitContainerStatuses); err != nil {
		return err
	}
	if status.Resources != nil {
		if err := checkRequirements("Pod "+pod.Namespace+"/", pod.Name, "status.resources", "",
			status.Resources); err != nil {
			return err
		}
	}
	if anyNegative(status.AllocatedResources) {
		return notNegative("Pod "+named(pod), "status.allocatedResources", status.AllocatedResources)
	}
	return nil
}

func checkContainerStatuses(pod *corev1.Pod, field string, statuses []corev1.ContainerStatus) error {
	for i := range statuses {
		c := &statuses[i]
		if anyNegative(c.AllocatedResources) {
			return notNegative("Pod "+named(pod), fmt.Sprintf("%s[%s].allocatedResources", field, c.Name),
				c.AllocatedResources)
		}
		if c.Resources == nil {
			continue
		}
		if err := checkRequirements("Pod "+pod.Namespace+"/", pod.Name, field, c.Name, c.Resources); err != nil {
			return err
		}
	}
	return nil
}

func checkContainer(prefix, name, field string, c *corev1.Container) error {
	return checkRequirements(prefix, name, field, c.Name, &c.Resources)
}

// checkRequirements runs for every container, so it builds names only for an error.
func checkRequirements(prefix, name, field, container string, r *corev1.ResourceRequirements) error {
	for _, part := range [2]string{"requests", "limits"} {
		list := r.Requests
		if part == "limits" {
			list = r.Limits
		}
		if !anyNegative(list) {
			continue
		}
		if container != "" {
			field = fmt.Sprintf("%s[%s].resources", field, container)
		}
		return notNegative(prefix+name, field+"."+part, list)
	}
	return nil
}

func checkQuota(quota *corev1.ResourceQuota) error {
	who := "ResourceQuota " + named(quota)
	for _, part := range []struct {
		field string
		list  corev1.ResourceList
	}{{"spec.hard", quota.Spec.Hard}, {"status.hard", quota.Status.Hard}, {"status.used", quota.Status.Used}} {
		if err := notNegative(who, part.field, part.list); err != nil {
			return err
		}
	}
	return nil
}

func checkLimitRange(limits *corev1.LimitRange) error {
	who := "LimitRange " + named(limits)
	for i, item := range limits.Spec.Limits {
		for _, part := range []struct {
			field string
			list  corev1.ResourceList
		}{{"max", item.Max}, {"min", item.Min}, {"default", item.Default}, {"defaultRequest", item.DefaultRequest},
			{"maxLimitRequestRatio", item.MaxLimitRequestRatio}} {
			if err := notNegative(who, fmt.Sprintf("spec.limits[%d].%s", i, part.field), part.list); err != nil {
				return err
			}
		}
	}
	return nil
}

func anyNegative(list corev1.ResourceList) bool {
	for _, q := range list {
		if q.Sign() < 0 {
			return true
		}
	}
	return false
}

// notNegative names the first negative quantity of the list, in the order of its keys.
func notNegative(who, field string, list corev1.ResourceList) error {
	if !anyNegative(list) {
		return nil
	}
	var worst []corev1.ResourceName
	for name, q := range list {
		if q.Sign() < 0 {
			worst = append(worst, name)
		}
	}
	slices.SortFunc(worst, func(a, b corev1.ResourceName) int { return cmp.Compare(a, b) })
	q := list[worst[0]]
	return fmt.Errorf("%s: %s[%s] is %s, want >= 0", who, field, worst[0], q.String())
}
