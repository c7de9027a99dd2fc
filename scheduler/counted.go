package scheduler

import (
	"context"
	"runtime"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	utilnode "k8s.io/component-helpers/node/topology"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// counted holds a snapshot as the scheduler's cache would: nodes in the cache's order with their
// pods counted. It is immutable: a world copies the nodes it changes.
type counted struct {
	infos   []*framework.NodeInfo
	index   map[string]int
	pvcUses map[string]int    // "namespace/name": number of bound pods that use the claim
	pending []*corev1.Pod     // neither bound nor finished, in the snapshot's order
	bound   []*corev1.Pod     // the pod lister knows these, too
	rest    []kruntime.Object // everything but nodes and pods
}

// checkEvery is the number of nodes that are worth a goroutine of their own.
const checkEvery = 256

func count(ctx context.Context, objects []kruntime.Object) (*counted, error) {
	var nodes []*corev1.Node
	c := &counted{index: map[string]int{}, pvcUses: map[string]int{}}
	for _, obj := range objects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch x := obj.(type) {
		case *corev1.Node:
			nodes = append(nodes, x)
		case *corev1.Pod:
			c.sort(x)
		default:
			c.rest = append(c.rest, named(obj))
		}
	}
	if err := c.addNodes(ctx, interleave(nodes), imageStates(nodes)); err != nil {
		return nil, err
	}
	return c, c.addPods(ctx)
}

// sort files a pod. Finished pods hold nothing, and the scheduler does not see them at all.
func (c *counted) sort(p *corev1.Pod) {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return
	}
	if p.UID == "" { // kube-scheduler never counts a pod without a UID
		p = p.DeepCopy()
		p.UID = types.UID(p.Namespace + "/" + p.Name)
	}
	if p.Spec.NodeName == "" {
		c.pending = append(c.pending, p)
	} else {
		c.bound = append(c.bound, p)
	}
}

func (c *counted) addNodes(ctx context.Context, nodes []*corev1.Node, images map[string]*fwk.ImageStateSummary) error {
	for _, n := range nodes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, twice := c.index[n.Name]; twice {
			return errorf("node %q is there twice, want one of each name", n.Name)
		}
		info := framework.NewNodeInfo()
		info.SetNode(n)
		for _, image := range n.Status.Images {
			for _, name := range image.Names {
				info.ImageStates[name] = images[name]
			}
		}
		c.index[n.Name] = len(c.infos)
		c.infos = append(c.infos, info)
	}
	return nil
}

// addPods counts the bound pods on their nodes. It skips a pod whose node is not there. The nodes
// are shared out to as many goroutines as there are processors. All have ended when it returns.
func (c *counted) addPods(ctx context.Context) error {
	byNode := make([][]int32, len(c.infos))
	for k, p := range c.bound {
		if err := ctx.Err(); err != nil {
			return err
		}
		at, ok := c.index[p.Spec.NodeName]
		if !ok {
			continue
		}
		byNode[at] = append(byNode[at], int32(k))
		for key := range framework.PodPVCKeys(p) {
			c.pvcUses[key]++
		}
	}
	pods := make([]podInfo, len(c.bound))
	workers := min(runtime.GOMAXPROCS(0), len(c.infos)/checkEvery+1)
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for i := w; i < len(byNode) && ctx.Err() == nil; i += workers {
				c.infos[i].Pods = make([]fwk.PodInfo, 0, len(byNode[i]))
				for _, k := range byNode[i] {
					// kube-scheduler's cache ignores the error, too, and keeps the terms that do
					// parse.
					_ = pods[k].fill(c.bound[k])
					c.infos[i].AddPodInfo(&pods[k])
				}
			}
		})
	}
	done.Wait()
	return ctx.Err()
}

// interleave orders nodes as the scheduler's node tree does: zone by zone, one of each in turn.
func interleave(nodes []*corev1.Node) []*corev1.Node {
	var zones []string
	byZone := map[string][]*corev1.Node{}
	for _, n := range nodes {
		z := utilnode.GetZoneKey(n)
		if _, ok := byZone[z]; !ok {
			zones = append(zones, z)
		}
		byZone[z] = append(byZone[z], n)
	}
	out := make([]*corev1.Node, 0, len(nodes))
	for i := 0; len(out) < len(nodes); i++ {
		for _, z := range zones {
			if i < len(byZone[z]) {
				out = append(out, byZone[z][i])
			}
		}
	}
	return out
}

// imageStates counts on how many nodes each image is. Its size is the one that the first node, as
// given, reports. The names of the nodes are kept since a copy of a node counts them again.
func imageStates(nodes []*corev1.Node) map[string]*fwk.ImageStateSummary {
	states := map[string]*fwk.ImageStateSummary{}
	for _, n := range nodes {
		for _, image := range n.Status.Images {
			for _, name := range image.Names {
				if states[name] == nil {
					states[name] = &fwk.ImageStateSummary{Size: image.SizeBytes, Nodes: sets.New[string]()}
				}
				states[name].Nodes.Insert(n.Name)
				states[name].NumNodes = states[name].Nodes.Len()
			}
		}
	}
	return states
}

// named gives an object a resource version and a UID, as the API server would. The assume caches
// and the claim tracker need them, and a hand-written file does not have them.
func named(obj kruntime.Object) kruntime.Object {
	m, err := meta.Accessor(obj)
	if err != nil || (m.GetResourceVersion() != "" && m.GetUID() != "") {
		return obj
	}
	c := obj.DeepCopyObject()
	if m, err = meta.Accessor(c); err == nil {
		if m.GetResourceVersion() == "" {
			m.SetResourceVersion("1")
		}
		if m.GetUID() == "" {
			m.SetUID(types.UID(m.GetNamespace() + "/" + m.GetName()))
		}
	}
	return c
}

// reordered returns the same cluster with its nodes met in another order. Zones still take turns,
// as in the node tree.
func (c *counted) reordered(order []*framework.NodeInfo) *counted {
	nodes := make([]*corev1.Node, len(order))
	for i, n := range order {
		nodes[i] = n.Node()
	}
	other := *c
	other.infos, other.index = nil, make(map[string]int, len(order))
	for i, n := range interleave(nodes) {
		other.infos = append(other.infos, c.infos[c.index[n.Name]])
		other.index[n.Name] = i
	}
	return &other
}
