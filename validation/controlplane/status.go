package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	nodeutil "k8s.io/component-helpers/node/util"
)

// syncPods is the kubelet's status manager: one goroutine that sends a new status at once, and
// what has come to differ every ten seconds.
func (k *kubelet) syncPods(ctx context.Context) {
	k.mu.Lock()
	dirty := k.dirty
	k.mu.Unlock()
	ticker := time.NewTicker(podBatch)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case uid := <-dirty:
			k.syncPod(ctx, uid)
		case <-ticker.C:
			for _, uid := range k.outdated() {
				k.syncPod(ctx, uid)
			}
		}
	}
}

func (k *kubelet) outdated() (uids []types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for uid, p := range k.pods {
		if p.DeletionTimestamp == nil && k.seen[uid] && (p.Status.Phase != corev1.PodRunning || !podReady(p)) {
			uids = append(uids, uid)
		}
	}
	return uids
}

// syncPod does statusManager.syncPod: a GET from etcd, then a PATCH of what differs.
func (k *kubelet) syncPod(ctx context.Context, uid types.UID) {
	k.mu.Lock()
	pod := k.pods[uid]
	k.mu.Unlock()
	if pod == nil {
		return
	}
	pods := k.client.CoreV1().Pods(pod.Namespace)
	stored, err := pods.Get(ctx, pod.Name, metav1.GetOptions{})
	if err != nil || stored.UID != uid {
		return
	}
	running := stored.DeepCopy()
	setRunning(&running.Status, pod.Spec.Containers, pod.Name)
	patch, err := statusPatch(stored, running)
	if err != nil || string(patch) == "{}" {
		return
	}
	// on failure the next batch tries again
	pods.Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
}

func setRunning(s *corev1.PodStatus, containers []corev1.Container, name string) {
	now := metav1.Now()
	sum := fnv.New32a()
	sum.Write([]byte(name))
	x := sum.Sum32()
	s.Phase, s.HostIP = corev1.PodRunning, "10.0.43.1"
	s.PodIP = fmt.Sprintf("10.%d.%d.%d", 64+x>>24&63, x>>16&255, x>>8&255)
	s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	if s.StartTime == nil {
		s.StartTime = &now
	}
	for _, t := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady,
	} {
		setTrue(s, t, now)
	}
	if len(s.ContainerStatuses) > 0 {
		return
	}
	started := true
	for _, c := range containers {
		s.ContainerStatuses = append(s.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, Ready: true,
			Started: &started, Image: c.Image,
			ImageID:     c.Image + "@sha256:0f4a2c5d5f1a9cbd6b9a1d2e3f405162738495a6b7c8d9e0f1a2b3c4d5e6f708",
			ContainerID: fmt.Sprintf("containerd://%064x", x),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}})
	}
}

func setTrue(s *corev1.PodStatus, t corev1.PodConditionType, now metav1.Time) {
	for i := range s.Conditions {
		if c := &s.Conditions[i]; c.Type == t {
			if c.Status != corev1.ConditionTrue {
				c.Status, c.LastTransitionTime = corev1.ConditionTrue, now
			}
			return
		}
	}
	s.Conditions = append(s.Conditions, corev1.PodCondition{
		Type: t, Status: corev1.ConditionTrue, LastTransitionTime: now,
	})
}

func statusPatch(from, to *corev1.Pod) ([]byte, error) {
	old, err := json.Marshal(corev1.Pod{Status: from.Status})
	if err != nil {
		return nil, err
	}
	updated, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: from.UID}, Status: to.Status})
	if err != nil {
		return nil, err
	}
	return strategicpatch.CreateTwoWayMergePatch(old, updated, corev1.Pod{})
}

// syncNode does kubelet.updateNodeStatus: five tries, all connections dropped after the second
// failure.
func (k *kubelet) syncNode(ctx context.Context) {
	for try := range 5 {
		if k.tryNode(ctx, try) == nil || ctx.Err() != nil {
			return
		}
		if try > 0 {
			k.closeAll()
		}
	}
}

// tryNode reads the node, the first time from the API server's cache, and writes its
// status if a condition differs or five minutes have passed.
func (k *kubelet) tryNode(ctx context.Context, try int) error {
	options := metav1.GetOptions{}
	if try == 0 {
		options.ResourceVersion = "0"
	}
	stored, err := k.heartbeat.CoreV1().Nodes().Get(ctx, k.name, options)
	if err != nil {
		return err
	}
	node := stored.DeepCopy()
	if !setReady(node) && time.Since(k.reported) < statusReport {
		return nil
	}
	if _, _, err := nodeutil.PatchNodeStatus(k.heartbeat.CoreV1(), types.NodeName(k.name), stored, node); err != nil {
		return err
	}
	k.reported = time.Now()
	return nil
}

// setReady sets what a healthy kubelet reports and says whether a status changed.
func setReady(n *corev1.Node) bool {
	now, changed := metav1.Now(), false
	for i := range n.Status.Conditions {
		c := &n.Status.Conditions[i]
		want := corev1.ConditionFalse
		if c.Type == corev1.NodeReady {
			want = corev1.ConditionTrue
		}
		if c.Status != want {
			c.Status, c.LastTransitionTime, changed = want, now, true
			c.Reason, c.Message = "KubeletReady", "kubelet is posting ready status"
		}
		c.LastHeartbeatTime = now
	}
	return changed
}
