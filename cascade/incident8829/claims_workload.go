package incident8829

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/hpa"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/scheduler/retry"
)

// The report's numbers.
const (
	reportedReplicas = 500
	reportedPending  = 450
)

// pending judges the number of pods without a node: the report's autoscaler asked for 500, of
// which 450 found none. Package hpa says how far a CPU autoscaler goes by itself.
func pending(r *judged) Observable {
	start := r.s.Workload.Start()
	here := fmt.Sprintf("%d pending at most, %d created", r.t.PeakPending, r.t.PodsCreated)
	o := found(r.t.PeakPending >= reportedPending, here, "")
	template, config := r.template(), hpa.Config{Version: r.s.Version}
	target := int32(scenario.Autoscaler{}.WithDefaults().Target)
	ceiling, err := hpa.Ceiling(template, corev1.ResourceCPU, target, max(1, start), config)
	if err != nil {
		o.Why = err.Error()
		return o
	}
	o.Why = fmt.Sprintf("a CPU autoscaler with this template stops at %d at the default target of %d %%", ceiling, target)
	for target := target; target > 0; target-- {
		ceiling, err = hpa.Ceiling(template, corev1.ResourceCPU, target, max(1, start), config)
		if err == nil && ceiling >= reportedReplicas {
			o.Why += fmt.Sprintf(", and reaches %d only at a target of %d %% or less", reportedReplicas, target)
			break
		}
	}
	return o
}

// template returns the pod of the report, as an autoscaler and a node see it.
func (r *judged) template() corev1.PodTemplateSpec {
	h := scenario.Autoscaler{}
	if r.s.Workload.HPA != nil {
		h = *r.s.Workload.HPA
	}
	h = h.WithDefaults()
	milli := func(n int) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(int64(n), resource.DecimalSI)}
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "api-gateway"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "gateway", Image: "api-gateway",
			Resources: corev1.ResourceRequirements{Requests: milli(h.Request), Limits: milli(h.Limit)},
		}}},
	}
}

// sentence judges the scheduler's words. Package capacity says what kube-scheduler tells of the
// first pod that does not fit, on a cluster whose nodes hold the workload's room and no pod more.
func sentence(r *judged) Observable {
	const reported = "0/100 nodes are available: 100 Insufficient cpu."
	if r.t.PeakPending == 0 {
		return Observable{Here: "no pod was pending", Verdict: NotHere, Why: "every pod found a node"}
	}
	answer, err := r.fit()
	if err != nil {
		return unknown(err)
	}
	o := Observable{Here: answer.Message}
	o.Why = "what kube-scheduler says of the first pod that fits nowhere (package capacity)"
	switch {
	case answer.Message == reported:
		o.Verdict = Reproduced
	case strings.HasPrefix(answer.Message, reported):
		o.Verdict = Partly
		o.Why = "the report cut the text: kube-scheduler goes on with what preemption found (package capacity)"
	default:
		o.Verdict = NotHere
	}
	return o
}

// fit asks package capacity for one pod more than the nodes have room for.
func (r *judged) fit() (capacity.Answer, error) {
	template := r.template()
	request := template.Spec.Containers[0].Resources.Requests.Cpu().MilliValue()
	var objects []runtime.Object
	for i := range r.s.Nodes {
		room := (r.s.Workload.Room + r.s.Nodes - 1 - i) / r.s.Nodes
		objects = append(objects, &corev1.Node{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i)},
			Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
				corev1.ResourceCPU:    *resource.NewMilliQuantity(int64(room)*request+request/2, resource.DecimalSI),
				corev1.ResourceMemory: resource.MustParse("1Ti"),
				corev1.ResourcePods:   *resource.NewQuantity(int64(room)+110, resource.DecimalSI),
			}},
		})
	}
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		return capacity.Answer{}, err
	}
	return snapshot.Fit(context.Background(), capacity.Workload{
		Namespace: "production", Template: template, Selector: labels.Nothing(), Replicas: r.s.Workload.Room + 1,
	})
}

// eventCount judges the count of an Event. One pod's Event that counts 450 attempts in twelve
// minutes needs as many attempts of that pod. The scheduler's backoff bounds them.
func eventCount(r *judged) Observable {
	const reported, span = 450, 12 * time.Minute
	attempts := r.worst("scheduling attempts", span) * min(span, r.s.Length).Seconds()
	perPod := attempts / float64(max(1, r.t.PeakPending))
	most, err := mostAttempts(r.s.Version, span)
	if err != nil {
		return unknown(err)
	}
	o := Observable{Here: fmt.Sprintf("%.1f attempts a pod in the worst %v, %d over all pods in all",
		perPod, span, r.t.Attempts)}
	if most < reported {
		o.Verdict = Impossible
		o.Why = fmt.Sprintf("of one pod: its backoff allows %d attempts in %v, however often it is woken; "+
			"over the fleet %d is what one attempt each gives", most, span, reported)
		return o
	}
	o.Verdict = when(perPod >= reported, Reproduced, NotHere)
	o.Why = fmt.Sprintf("an idle scheduler of %v takes pods out of their backoff: "+
		"a pod that is woken all the time gets %d attempts in %v", r.s.Version, most, span)
	return o
}

// mostAttempts returns how often a pod that fits nowhere is tried within the time, if something
// wakes it ten times a second.
func mostAttempts(v kube.Version, span time.Duration) (int, error) {
	q, err := retry.NewQueue(retry.Config{Version: v})
	if err != nil {
		return 0, err
	}
	q.Add(1)
	for at := time.Duration(0); at <= span; at += 100 * time.Millisecond {
		q.Advance(at)
		q.Wake()
	}
	return q.Total().Attempts, nil
}

// everyTenSeconds judges the pace of the retries: 450 pods that are all tried every ten seconds
// make 45 attempts a second.
func everyTenSeconds(r *judged) Observable {
	const reported, span = reportedPending / 10.0, 10 * time.Minute
	most, err := mostAttempts(r.s.Version, span)
	if err != nil {
		return unknown(err)
	}
	worst := r.worst("scheduling attempts", time.Minute)
	here := fmt.Sprintf("%.1f attempts/s in the worst minute, %d in all", worst, r.t.Attempts)
	return found(worst >= reported, here, fmt.Sprintf("a pod that something wakes all the time is tried %d times in %v "+
		"at most, one that nothing wakes every five minutes", most, span))
}

// thousandsOfEvents judges the number of Events, which the report cleared at the end.
func thousandsOfEvents(r *judged) Observable {
	here := fmt.Sprintf("%d written by the scheduler, %.0f in the worst minute", r.t.Events, r.t.EventsPerMinute)
	return found(r.t.Events >= 2000, here, "one a pod, and another when the scheduler restarts; "+
		"more while nodes flap and bound pods are deleted, which wakes the pods that wait")
}

// containerCreating judges how long a pod that has a node waits for its token or its network.
func containerCreating(r *judged) Observable {
	const reported = 45 * time.Minute
	here := fmt.Sprintf("%s bound in this run, %s ContainerCreating at the longest",
		plural(r.t.Bound, "pod", "pods"), seconds(r.t.Creating))
	return found(r.t.Creating >= reported, here, "a pending pod has no node; one that is bound shortly before the "+
		"API servers go finds none for its token and its network (Calico), and its kubelet makes a new sandbox "+
		"every 10 to 15 s until one is back")
}

// crashesFlood judges the report's chain from crashes to kube-proxy. It has three links, and the
// middle one is wrong.
func crashesFlood(r *judged) Observable {
	const flood = 100 // updates; one a second is kube-proxy's own limit
	o := Observable{Here: fmt.Sprintf("crashes: %d, pods that got an address: %d, updates of each kube-proxy: %d",
		r.t.Crashes, r.t.Bound, r.t.ProxySyncs)}
	switch {
	case r.t.Crashes == 0:
		o.Verdict, o.Why = NotHere, "no container crashed; the report's own pods show 0 restarts"
	case r.t.ProxySyncs < flood || 2*r.t.Crashes < flood:
		o.Verdict = NotHere
		o.Why = fmt.Sprintf("a crash takes an endpoint out and in again, two updates at most: no flood of %d", flood)
	default:
		o.Verdict = Partly
		o.Why = "crashes and a flood of updates, but the CNI has no part in it: a container that restarts keeps its " +
			"pod's sandbox and address"
	}
	return o
}

// scaleTookLong judges how long kubectl scale took: one command that was acknowledged after ten
// minutes, or an operator who tried again for as long.
func scaleTookLong(r *judged) Observable {
	const reported = 10 * time.Minute
	failed := plural(r.t.ScaleFailed, "command", "commands") + " failed"
	asked := func(a scenario.Action) bool { return a.Do == scenario.Scale }
	switch {
	case !slices.ContainsFunc(r.s.Actions, asked):
		return Observable{Here: "no command was given", Verdict: NotHere, Why: "nothing to judge"}
	case r.t.ScaleAcked == 0:
		return Observable{Here: "never acknowledged, " + failed, Verdict: NotHere, Why: "no command succeeded"}
	}
	o := Observable{Here: fmt.Sprintf("acknowledged %s after the first command, %s", seconds(r.t.ScaleAcked), failed)}
	switch {
	case r.t.ScaleAcked < reported:
		o.Verdict = NotHere
		o.Why = "a PATCH that lands is acknowledged at once, and a --timeout only bounds the wait for the replicas"
	case r.t.ScaleFailed > 0:
		o.Verdict = Partly
		o.Why = "the operator tried again for as long: a PATCH or a GET that is refused or times out ends the " +
			"command at once"
	default:
		o.Verdict, o.Why = Reproduced, "one command waited for the replicas"
	}
	return o
}
