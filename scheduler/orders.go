package scheduler

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	utilnode "k8s.io/component-helpers/node/topology"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/redline-go/redline/capacity"
)

// OrderDependence is a warning of an Answer. The count may depend on the order in which
// kube-scheduler meets the nodes, which differs from one real scheduler to the next.
//
// It concerns only the workload's own features. Others that go before it in the same call, another
// workload or a pending pod, take places that depend on that order as well.
type OrderDependence struct {
	Workload int    // index of the workload in the call
	Feature  string // the feature that makes it so
	Orders   int    // number of orders tried, the assumed one included
	Min, Max int    // the least and the most that fit over them
}

func (o *OrderDependence) Error() string {
	if o.Orders < 2 {
		return fmt.Sprintf("scheduler: the count may depend on the order of the nodes (%s); assumed the snapshot's, "+
			"with zones taken in turn", o.Feature)
	}
	return fmt.Sprintf("scheduler: the count may depend on the order of the nodes (%s): %d to %d over %d orders; "+
		"assumed the snapshot's, with zones taken in turn",
		o.Feature, o.Min, o.Max, o.Orders)
}

// orderMatters names the feature that makes the count of identical replicas depend on the order of
// the nodes. Without one, a replica takes nothing from a node that it does not go to.
func orderMatters(pod *corev1.Pod, devices sets.Set[corev1.ResourceName]) string {
	if a := pod.Spec.Affinity; a != nil {
		if a.PodAffinity != nil && len(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0 {
			return "required pod affinity"
		}
		if a.PodAntiAffinity != nil {
			for _, t := range a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
				if t.TopologyKey != corev1.LabelHostname {
					return "required pod anti-affinity on " + t.TopologyKey
				}
			}
		}
	}
	for _, c := range pod.Spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule {
			return "topology spread constraints"
		}
	}
	if len(pod.Spec.ResourceClaims) > 0 {
		return "resource claims"
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, list := range []corev1.ResourceList{c.Resources.Requests, c.Resources.Limits} {
			for _, name := range slices.Sorted(maps.Keys(list)) {
				if devices.Has(name) {
					return "devices of a class that provides " + string(name)
				}
			}
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil || v.Ephemeral != nil {
			return "volume claims"
		}
	}
	return ""
}

// deviceResources returns the extended resources that device classes of the cluster provide.
func (c *counted) deviceResources() sets.Set[corev1.ResourceName] {
	out := sets.New[corev1.ResourceName]()
	for _, obj := range c.rest {
		if class, ok := obj.(*resourceapi.DeviceClass); ok {
			out.Insert(corev1.ResourceName(resourceapi.ResourceDeviceClassPrefix + class.Name))
			if name := class.Spec.ExtendedResourceName; name != nil {
				out.Insert(corev1.ResourceName(*name))
			}
		}
	}
	return out
}

// orders warns where the order matters. It tries as many orders as the configuration asks for.
func (e *Engine) orders(ctx context.Context, s *capacity.Snapshot, c *counted, ws []capacity.Workload,
	answers []capacity.Answer) error {
	var warnings []*OrderDependence
	devices := c.deviceResources()
	for i, w := range ws {
		pod := corev1.Pod{Spec: w.Template.Spec}
		if feature := orderMatters(&pod, devices); feature != "" && answers[i].Fits+answers[i].Pending > 0 {
			o := &OrderDependence{Workload: i, Feature: feature, Orders: 1, Min: answers[i].Fits, Max: answers[i].Fits}
			warnings = append(warnings, o)
			answers[i].Warnings = append(answers[i].Warnings, o)
		}
	}
	if len(warnings) == 0 || len(c.infos) < 2 {
		return nil
	}
	for order := range otherOrders(c.infos, e.config.NodeOrders-1) {
		other, err := e.placeIn(ctx, s, c.reordered(order), ws, false)
		if err != nil {
			return err
		}
		for _, o := range warnings {
			o.Orders++
			o.Min, o.Max = min(o.Min, other.answers[o.Workload].Fits), max(o.Max, other.answers[o.Workload].Fits)
		}
	}
	return nil
}

// otherOrders yields orders to try: each further zone ahead of the rest, the reverse, then shuffles
// from a fixed seed.
func otherOrders(nodes []*framework.NodeInfo, n int) iter.Seq[[]*framework.NodeInfo] {
	return func(yield func([]*framework.NodeInfo) bool) {
		rnd := rand.New(rand.NewPCG(uint64(len(nodes)), nodeOrderStream))
		var zones []string
		for _, node := range nodes {
			if z := utilnode.GetZoneKey(node.Node()); !slices.Contains(zones, z) {
				zones = append(zones, z)
			}
		}
		for k := range n {
			order := slices.Clone(nodes)
			switch {
			case k < len(zones)-1:
				slices.SortStableFunc(order, func(a, b *framework.NodeInfo) int {
					return ahead(a, zones[k+1]) - ahead(b, zones[k+1])
				})
			case k == len(zones)-1:
				slices.Reverse(order)
			default:
				rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			}
			if !yield(order) {
				return
			}
		}
	}
}

// ahead returns 0 for a node of the zone, 1 for others.
func ahead(n *framework.NodeInfo, zone string) int {
	if utilnode.GetZoneKey(n.Node()) == zone {
		return 0
	}
	return 1
}

// nodeOrderStream names the random stream that shuffles nodes.
const nodeOrderStream = 0x6e6f646573 // "nodes"
