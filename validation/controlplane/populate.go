package controlplane

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"golang.org/x/sync/errgroup"
)

// populate makes the cluster of the scenario and waits until it is at rest.
func (c *Cluster) populate(ctx context.Context) error {
	for _, name := range []string{namespace, corev1.NamespaceNodeLease} {
		_, err := c.admin.CoreV1().Namespaces().Create(
			ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{},
		)
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	for _, name := range []string{namespace, metav1.NamespaceDefault} { // pods get their token's volume, as in any cluster
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
		if _, err := c.admin.CoreV1().ServiceAccounts(name).Create(ctx, account, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if err := each(c.scenario.Nodes, func(i int) error {
		_, err := c.admin.CoreV1().Nodes().Create(ctx, c.node(i), metav1.CreateOptions{})
		return err
	}); err != nil {
		return err
	}
	c.log("nodes exist")
	if !c.scenario.NoKubelets {
		for i := range c.scenario.Nodes {
			k := newKubelet(c, i)
			c.kubelets = append(c.kubelets, k)
			k.start(ctx, kubeletSpread)
		}
	}
	if err := each(c.scenario.Fillers*c.scenario.Nodes, func(i int) error { return c.makeFiller(ctx, i) }); err != nil {
		return err
	}
	c.log("fillers exist")
	for _, err := range []error{c.startScheduler(ctx), c.startManager(ctx)} {
		if err != nil {
			return err
		}
	}
	if err := c.elect(c.others, "kube-scheduler"); err != nil {
		return err
	}
	c.probe(c.others)
	c.log("scheduler and controllers run")
	if err := c.makeWorkload(ctx); err != nil {
		return err
	}
	return c.settle(ctx)
}

// each runs f for 0 to n-1, some at a time.
func each(n int, f func(int) error) error {
	var group errgroup.Group
	group.SetLimit(50)
	for i := range n {
		group.Go(func() error { return f(i) })
	}
	return group.Wait()
}

func (c *Cluster) node(i int) *corev1.Node {
	cpu := c.scenario.NodeCPU
	if i < c.scenario.RoomOn {
		cpu = replicaCPU
	}
	room := corev1.ResourceList{
		"cpu": resource.MustParse(cpu), "memory": resource.MustParse(c.scenario.NodeMemory),
		"pods": resource.MustParse("110"),
	}
	now := metav1.Now()
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:   nodeName(i),
			Labels: map[string]string{"kubernetes.io/hostname": nodeName(i), "kubernetes.io/os": "linux"},
		},
		Status: corev1.NodeStatus{Capacity: room, Allocatable: room, Images: images(),
			Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("10.0.%d.%d", 43+i/250, i%250)}}},
	}
	for _, t := range []corev1.NodeConditionType{
		corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeReady,
	} {
		status := corev1.ConditionFalse
		if t == corev1.NodeReady {
			status = corev1.ConditionTrue
		}
		n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{
			Type: t, Status: status, LastHeartbeatTime: now, LastTransitionTime: now,
		})
	}
	return n
}

// images gives a node's object the size that a worker's has.
func images() (list []corev1.ContainerImage) {
	for i := range 12 {
		digest := fmt.Sprintf(
			"our-registry.io/img-%d@sha256:0f4a2c5d5f1a9cbd6b9a1d2e3f405162738495a6b7c8d9e0f1a2b3c4d5e6f7%02d", i, i,
		)
		list = append(list, corev1.ContainerImage{
			Names: []string{digest, fmt.Sprintf("our-registry.io/img-%d:v2.4.1", i)}, SizeBytes: 123456789,
		})
	}
	return list
}

// replicaCPU is the incident's request.
const replicaCPU = "200m"

func template() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": workload}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "gateway", Image: "our-registry.io/api-gateway:v2.4.1",
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": resource.MustParse(replicaCPU), "memory": resource.MustParse("256Mi")},
				Limits:   corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("512Mi")},
			},
		}}},
	}
}

// makeWorkload makes the service, the quota and the workload with its first replicas.
func (c *Cluster) makeWorkload(ctx context.Context) error {
	labels := map[string]string{"app": workload}
	object := metav1.ObjectMeta{Name: workload, Labels: labels}
	_, err := c.admin.CoreV1().Services(namespace).Create(ctx, &corev1.Service{ObjectMeta: object,
		Spec: corev1.ServiceSpec{
			Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
		}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if c.scenario.Quota > 0 {
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "pods"},
			Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"pods": *resource.NewQuantity(
				int64(c.scenario.Quota), resource.DecimalSI,
			)}}}
		if _, err := c.admin.CoreV1().ResourceQuotas(namespace).Create(ctx, quota, metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := c.until(ctx, "the quota has a status", func() bool {
			q, err := c.admin.CoreV1().ResourceQuotas(namespace).Get(ctx, "pods", metav1.GetOptions{})
			return err == nil && len(q.Status.Hard) > 0
		}); err != nil {
			return err
		}
	}
	replicas := int32(c.scenario.Replicas)
	selector := &metav1.LabelSelector{MatchLabels: labels}
	if !c.scenario.Deployment {
		_, err = c.admin.AppsV1().ReplicaSets(namespace).Create(ctx, &appsv1.ReplicaSet{ObjectMeta: object,
			Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selector, Template: template()}}, metav1.CreateOptions{})
		return err
	}
	_, err = c.admin.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{ObjectMeta: object,
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: selector, Template: template()}}, metav1.CreateOptions{})
	if err != nil || c.scenario.HPA == nil {
		return err
	}
	h := c.scenario.HPA
	use := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &h.Target}
	autoscaler := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: object}
	autoscaler.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: workload},
		MinReplicas:    &h.Min, MaxReplicas: h.Max,
		Metrics: []autoscalingv2.MetricSpec{{
			Type:     autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricSource{Name: corev1.ResourceCPU, Target: use},
		}},
	}
	_, err = c.admin.AutoscalingV2().HorizontalPodAutoscalers(namespace).Create(ctx, autoscaler, metav1.CreateOptions{})
	return err
}

func (c *Cluster) makeFiller(ctx context.Context, i int) error {
	_, err := c.admin.CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: fillerName(i), Labels: map[string]string{"app": "filler"}},
		Spec: corev1.PodSpec{
			NodeName:   nodeName(i % c.scenario.Nodes),
			Containers: []corev1.Container{{Name: "x", Image: "our-registry.io/filler:v1"}},
		},
	}, metav1.CreateOptions{})
	return err
}

// settle waits until the nodes are Ready, every kubelet has a Lease, the replicas exist
// and those with room run, and then for a moment more.
func (c *Cluster) settle(ctx context.Context) error {
	want := min(c.scenario.Replicas, c.scenario.RoomOn)
	err := c.until(ctx, "the cluster is at rest", func() bool {
		s := c.writes.state()
		if s.notReady > 0 || s.replicas < c.scenario.Replicas {
			return false
		}
		return c.scenario.NoKubelets || s.ready >= want && c.writes.leases() >= c.scenario.Nodes
	})
	c.log("at rest")
	if err == nil {
		sleep(ctx, 3*time.Second)
	}
	return err
}

// leases returns the number of nodes that have renewed their Lease.
func (w *writes) leases() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, x := range w.all {
		if x.Resource == "leases" && x.Verb == "create" && x.What == corev1.NamespaceNodeLease {
			n++
		}
	}
	return n
}

func (c *Cluster) until(ctx context.Context, what string, f func() bool) error {
	const wait, most = 200 * time.Millisecond, 3 * time.Minute // some seconds on a machine of one's own
	for range most / wait {
		if f() {
			return nil
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
	return errors.New("waited for three minutes until " + what)
}
