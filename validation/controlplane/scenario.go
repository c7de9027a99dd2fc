package controlplane

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Scenario is a cluster and what happens to it. Times count from the moment when the
// cluster is ready: all nodes Ready and the first replicas running.
type Scenario struct {
	Nodes      int    // zero means 100
	NodeCPU    string // allocatable of each node; "" means 100m, too little for any replica
	NodeMemory string // "" means 64Gi
	// RoomOn gives the first so many nodes the CPU of exactly one replica instead.
	RoomOn int
	// NoKubelets leaves the nodes without a kubelet and without the node controllers:
	// nothing but the workload writes then.
	NoKubelets bool
	Grace      time.Duration // node-monitor-grace-period; zero means 40 s, as in v1.29 (v1.37 has 50 s)

	Replicas   int  // replicas that exist before the scenario begins; more than RoomOn stay pending
	Fillers    int  // pods bound to each node beforehand, for Churn to delete
	Deployment bool // put a Deployment above the ReplicaSet
	HPA        *HPA // and an autoscaler above that
	Quota      int  // the namespace's quota of pods; zero means none

	Members  int  // of etcd; zero means 1
	SlowDisk bool // etcd in processes of its own, on disks that SetDisk slows

	// Scheduler129 takes the real kube-scheduler v1.29.2, in a process of its own, instead
	// of v1.37.2. Everything else stays v1.37.2.
	Scheduler129 bool

	Length  time.Duration // of the scenario
	Actions []Action      // in order of time
}

// HPA is a CPU autoscaler whose metric Usage sets.
type HPA struct {
	Min, Max, Target int32 // Target is a percentage of the request
}

// Action is something done to the cluster at a time.
type Action struct {
	At   time.Duration
	Name string
	Do   func(context.Context, *Cluster) error
}

// At gives an action its time.
func At(at time.Duration, a Action) Action {
	a.At = at
	return a
}

// Scale sets the replicas of the workload.
func Scale(replicas int) Action {
	return Action{Name: fmt.Sprintf("scale %d", replicas), Do: func(ctx context.Context, c *Cluster) error {
		patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
		var err error
		if c.scenario.Deployment {
			_, err = c.admin.AppsV1().Deployments(namespace).Patch(
				ctx, workload, types.MergePatchType, patch, metav1.PatchOptions{},
			)
		} else {
			_, err = c.admin.AppsV1().ReplicaSets(namespace).Patch(
				ctx, workload, types.MergePatchType, patch, metav1.PatchOptions{},
			)
		}
		return err
	}}
}

// SetDisk makes every fsync of a member's disk take so much longer; member -1 means all.
func SetDisk(member int, delay time.Duration) Action {
	return Action{Name: fmt.Sprintf("disk %d %v", member, delay), Do: func(_ context.Context, c *Cluster) error {
		return c.etcd.setDelay(member, delay)
	}}
}

// Churn creates and deletes a bound pod, or deletes a filler, every so often; zero stops it. That
// wakes unschedulable pods.
func Churn(every time.Duration) Action {
	return Action{Name: fmt.Sprintf("churn %v", every), Do: func(ctx context.Context, c *Cluster) error {
		c.repeat(ctx, "churn", every, c.churnOnce)
		return nil
	}}
}

// TaintMore taints one more node every so often; zero stops it. That changes the scheduler's
// message.
func TaintMore(every time.Duration) Action {
	return Action{Name: fmt.Sprintf("taint one more every %v", every), Do: func(ctx context.Context, c *Cluster) error {
		c.repeat(ctx, "taint", every, func(ctx context.Context, i int) error {
			return c.taint(ctx, i%c.scenario.Nodes, true)
		})
		return nil
	}}
}

// Taint adds or removes a NoSchedule taint on one node.
func Taint(node int, on bool) Action {
	return Action{
		Name: fmt.Sprintf("taint %d %v", node, on),
		Do:   func(ctx context.Context, c *Cluster) error { return c.taint(ctx, node, on) },
	}
}

// StopKubelets silences the kubelets of nodes [from, to).
func StopKubelets(from, to int) Action {
	return Action{Name: fmt.Sprintf("stop kubelets %d-%d", from, to), Do: func(_ context.Context, c *Cluster) error {
		kubelets, err := c.some("StopKubelets", from, to)
		for _, k := range kubelets {
			k.stop()
		}
		return err
	}}
}

// StartKubelets brings them back, or restarts those that run.
func StartKubelets(from, to int) Action {
	return Action{Name: fmt.Sprintf("start kubelets %d-%d", from, to), Do: func(ctx context.Context, c *Cluster) error {
		kubelets, err := c.some("StartKubelets", from, to)
		for _, k := range kubelets {
			k.stop() // one that runs is restarted
			k.start(ctx, kubeletSpread)
		}
		return err
	}}
}

// Usage sets the CPU that each ready replica uses, in millicores: the HPA's metric.
func Usage(milli int64) Action {
	return Action{Name: fmt.Sprintf("usage %dm", milli), Do: func(_ context.Context, c *Cluster) error {
		c.usage.Store(milli)
		return nil
	}}
}

func (c *Cluster) taint(ctx context.Context, node int, on bool) error {
	taints := "[]"
	if on {
		// not one that the node controller would take away
		taints = `[{"key":"example.com/out-of-service","effect":"NoSchedule"}]`
	}
	_, err := c.admin.CoreV1().Nodes().Patch(
		ctx, nodeName(node), types.MergePatchType, []byte(`{"spec":{"taints":`+taints+`}}`), metav1.PatchOptions{},
	)
	return err
}

// churnOnce deletes filler i or, without fillers, a bound pod made for the purpose.
func (c *Cluster) churnOnce(ctx context.Context, i int) error {
	pods := c.admin.CoreV1().Pods(metav1.NamespaceDefault) // outside of the workload's quota
	now := int64(0)
	if c.scenario.Fillers > 0 {
		return pods.Delete(ctx, fillerName(i), metav1.DeleteOptions{})
	}
	name := fmt.Sprintf("churn-%d", i)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{NodeName: nodeName(0), Containers: []corev1.Container{{Name: "x", Image: "x"}}},
	}
	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(200 * time.Millisecond): // the scheduler's informer sees it before it goes
	}
	return pods.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now})
}
