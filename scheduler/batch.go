package scheduler

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// batch holds identical pods to be placed one after another.
type batch struct {
	workload int
	pod      *corev1.Pod // as the API server stores it
	n        int
	name     func(i int) string

	placed      int
	preemptible bool
	message     string
	fit         *framework.FitError
	fault       error // the plugin's error that ended it, where that was no verdict
}

// replicas returns a function that names the i-th replica of a pod as its controller might.
func replicas(pod *corev1.Pod) func(i int) string {
	base := pod.GenerateName
	if base == "" {
		base = pod.Name + "-"
	}
	return func(i int) string { return base + strconv.Itoa(i) }
}

// replica returns the i-th pod of the batch. Its UID tells it from everything in the snapshot.
func (b *batch) replica(i int) *corev1.Pod {
	p := *b.pod
	p.Name = b.name(i)
	if b.workload >= 0 {
		p.UID = types.UID("replica/" + strconv.Itoa(b.workload) + "/" + p.Namespace + "/" + p.Name)
	}
	return &p
}

// refuse ends the batch in kube-scheduler's words. Where they are no verdict but a plugin's error,
// kube-scheduler lets the pod wait and tries again. The answer then has the error as a warning,
// too.
func (b *batch) refuse(pod *corev1.Pod, err error) {
	b.message, b.fit = err.Error(), fitError(err)
	if b.fit == nil && !errors.Is(err, errNoNodes) {
		b.fault = fmt.Errorf("scheduler: pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
}

// pending returns the snapshot's waiting pods as batches of one, or none unless they go first.
func (r *run) pending(mine map[*corev1.Pod]bool) []*batch {
	var out []*batch
	if !r.engine.config.PendingFirst {
		return nil
	}
	for _, p := range r.world.base.pending {
		if _, served := r.engine.serves(p.Spec.SchedulerName); mine[p] || p.DeletionTimestamp != nil || !served {
			continue
		}
		out = append(out, &batch{workload: -1, pod: p, n: 1, name: func(int) string { return p.Name }})
	}
	sort.SliceStable(out, func(i, j int) bool {
		return corev1helpers.PodPriority(out[i].pod) > corev1helpers.PodPriority(out[j].pod)
	})
	return out
}

// sortQueue puts the workloads into the order of the profile's QueueSort plugin. Pending pods stay
// first.
func (r *run) sortQueue(queue []*batch) error {
	first := slices.IndexFunc(queue, func(b *batch) bool { return b.workload >= 0 })
	if first < 0 || len(queue)-first < 2 {
		return nil
	}
	p, err := r.engine.profile(r.site, r.engine.loaded.Profiles[0].SchedulerName)
	if err != nil {
		return err
	}
	less := p.fw.QueueSortFunc()
	infos := map[*batch]*framework.QueuedPodInfo{}
	for i, b := range queue {
		pi, err := framework.NewPodInfo(b.pod)
		if err != nil {
			return errorf("workload %d: %v", b.workload, err)
		}
		infos[b] = &framework.QueuedPodInfo{PodInfo: pi,
			QueueingParams: framework.QueueingParams{Timestamp: time.Unix(int64(i), 0)}}
	}
	sort.SliceStable(queue[first:], func(i, j int) bool { return less(infos[queue[first+i]], infos[queue[first+j]]) })
	return nil
}
