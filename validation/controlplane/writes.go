package controlplane

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// Write is one change of one key in etcd.
type Write struct {
	At       time.Duration
	Resource string // as etcd's keys spell it, nodes excepted: pods, events, leases, nodes, replicasets ...
	Name     string // of the object, after its namespace if it has one: production/api-gateway-x2x4z
	Verb     string // create, update, delete
	// What tells writes of a resource apart: for pods bind, message (the scheduler's
	// condition), terminating, notready, ready, the app label at creation, bound or pending at
	// deletion; for nodes notready, ready, taint; for events the reason; for leases the
	// namespace, or the component.
	What  string
	Bytes int // of the stored value
	// TaintedNodes is the number of nodes that have a NoSchedule taint after the write.
	TaintedNodes int
}

// writes watches etcd and keeps every write with the state it leads to.
type writes struct {
	clock clock
	mu    sync.Mutex
	all   []Write
	nodes map[string]*corev1.Node
	pods  map[string]*corev1.Pod

	tainted int // nodes with a NoSchedule taint
}

func newWrites(c clock) *writes {
	return &writes{clock: c, nodes: map[string]*corev1.Node{}, pods: map[string]*corev1.Pod{}}
}

// watch follows etcd until the context ends, through breaks of the watch.
func (w *writes) watch(ctx context.Context, client *clientv3.Client) {
	var revision int64
	for ctx.Err() == nil {
		for answer := range client.Watch(ctx, "/registry/", clientv3.WithPrefix(), clientv3.WithRev(revision)) {
			if answer.CompactRevision > 0 {
				revision = answer.CompactRevision
			}
			w.take(answer.Events)
			if answer.Err() == nil && answer.Header.Revision > 0 {
				revision = answer.Header.Revision + 1
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (w *writes) take(events []*clientv3.Event) {
	now := w.clock.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		key := strings.Split(strings.TrimPrefix(string(e.Kv.Key), "/registry/"), "/")
		x := Write{At: now, Resource: key[0], Name: strings.Join(key[1:], "/"), Verb: "update", Bytes: len(e.Kv.Value)}
		switch {
		case e.Type == clientv3.EventTypeDelete:
			x.Verb = "delete"
		case e.IsCreate():
			x.Verb = "create"
		}
		switch key[0] {
		case "minions":
			x.Resource = "nodes"
			x.What = w.node(key[len(key)-1], decode[corev1.Node](e))
		case "pods":
			x.What = w.pod(string(e.Kv.Key), decode[corev1.Pod](e))
		case "events":
			if event := decode[corev1.Event](e); event != nil {
				x.What = event.Reason
			}
		case "leases":
			if x.What = key[1]; x.What == "kube-system" {
				x.What, _, _ = strings.Cut(key[2], "-apiserver")
			}
		}
		x.TaintedNodes = w.tainted
		w.all = append(w.all, x)
	}
}

// decode returns the written object, or nil for a deletion.
func decode[T any](e *clientv3.Event) *T {
	if e.Type == clientv3.EventTypeDelete {
		return nil
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(e.Kv.Value, nil, nil)
	if err != nil {
		return nil
	}
	typed, _ := object.(any).(*T)
	return typed
}

func (w *writes) node(name string, now *corev1.Node) string {
	before := w.nodes[name]
	w.tainted += taints(now) - taints(before)
	if now == nil {
		delete(w.nodes, name)
		return ""
	}
	w.nodes[name] = now
	switch {
	case before == nil:
		return ""
	case nodeReady(before) && !nodeReady(now):
		return "notready"
	case !nodeReady(before) && nodeReady(now):
		return "ready"
	case len(before.Spec.Taints) != len(now.Spec.Taints):
		return "taint"
	}
	return ""
}

func (w *writes) pod(key string, now *corev1.Pod) string {
	before := w.pods[key]
	if now == nil {
		delete(w.pods, key)
		if before != nil && before.Spec.NodeName != "" {
			return "bound"
		}
		return "pending"
	}
	w.pods[key] = now
	switch {
	case before == nil:
		return now.Labels["app"]
	case before.DeletionTimestamp == nil && now.DeletionTimestamp != nil:
		return "terminating"
	case before.Spec.NodeName == "" && now.Spec.NodeName != "":
		return "bind"
	case message(before) != message(now):
		return "message"
	case podReady(before) && !podReady(now):
		return "notready"
	case !podReady(before) && podReady(now):
		return "ready"
	}
	return ""
}

// taints returns 1 for a node with a NoSchedule taint. A NotReady node's NoExecute taint does not
// count: admission lets every pod tolerate it for five minutes.
func taints(n *corev1.Node) int {
	if n != nil && slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool {
		return t.Effect == corev1.TaintEffectNoSchedule
	}) {
		return 1
	}
	return 0
}

func nodeReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func podReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// message returns the scheduler's message about a pod.
func message(p *corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			return c.Message
		}
	}
	return ""
}

// state is the cluster as etcd has it.
type state struct {
	notReady, tainted                            int
	replicas, bound, ready, pending, terminating int
	total                                        int
}

func (w *writes) state() state {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := state{total: len(w.all), tainted: w.tainted}
	for _, n := range w.nodes {
		if !nodeReady(n) {
			s.notReady++
		}
	}
	for _, p := range w.pods {
		if p.Labels["app"] != workload {
			continue
		}
		s.replicas++
		switch {
		case p.DeletionTimestamp != nil:
			s.terminating++
		case p.Spec.NodeName == "":
			s.pending++
		}
		if p.Spec.NodeName != "" {
			s.bound++
		}
		if podReady(p) {
			s.ready++
		}
	}
	return s
}
