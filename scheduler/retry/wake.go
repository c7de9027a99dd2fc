package retry

import (
	"fmt"
	"strings"
)

// Rejection is the set of plugins that rejected a pod on some node. An event
// wakes a pod only through a plugin of this set.
type Rejection uint8

// The plugins whose rejections are modelled.
const (
	ByFit           Rejection = 1 << iota // NodeResourcesFit: "Insufficient cpu"
	ByTaint                               // TaintToleration: a NotReady node's taints, too
	ByUnschedulable                       // NodeUnschedulable: a cordoned node
	ByNodeAffinity                        // NodeAffinity and nodeSelector
	ByPorts                               // NodePorts
)

var rejections = [...]string{"NodeResourcesFit", "TaintToleration", "NodeUnschedulable", "NodeAffinity", "NodePorts"}

// String names the plugins.
func (r Rejection) String() string {
	var names []string
	for i, name := range rejections {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// ClusterEvent is something that happens in the cluster and may wake pods.
type ClusterEvent struct {
	Kind EventKind
	// Fits: the node of the event has room for the pod once the event has
	// happened, and its labels and ports suit the pod.
	Fits bool
	// Tainted: that node has a taint that the pod does not tolerate, afterwards. Pods
	// tolerate a NotReady node's NoExecute taint by default (admission gives them 300 s),
	// so its NoSchedule taint is the one that counts.
	Tainted bool
}

// EventKind is the kind of a cluster event.
type EventKind int

// The kinds of event. The names in brackets are the scheduler's.
const (
	BoundPodDeleted  EventKind = iota // a pod with a node is gone [AssignedPod/Delete]
	BoundPodAdded                     // a pod was bound, or created with a node [AssignedPod/Add]
	PendingPodPatch                   // the pod's own status was patched [TargetPod/Update]
	PendingPodGone                    // another unschedulable pod was deleted
	NodeAdded                         // [Node/Add]
	NodeAllocatable                   // a node's allocatable grew [Node/UpdateNodeAllocatable]
	NodeTaintAdded                    // [Node/UpdateNodeTaint]
	NodeTaintRemoved                  // [Node/UpdateNodeTaint]
	NodeUncordoned                    // spec.unschedulable became false [Node/UpdateNodeTaint]
	NodeLabels                        // [Node/UpdateNodeLabel]
	NodeCondition                     // Ready and the pressure conditions [Node/UpdateNodeCondition]
	NodeHeartbeat                     // only times changed: not an event to the scheduler
	NodeGone                          // [Node/Delete]
	eventKinds
)

var eventNames = [...]string{
	"BoundPodDeleted", "BoundPodAdded", "PendingPodPatch", "PendingPodGone", "NodeAdded", "NodeAllocatable",
	"NodeTaintAdded", "NodeTaintRemoved", "NodeUncordoned", "NodeLabels", "NodeCondition", "NodeHeartbeat", "NodeGone",
}

// String returns the constant's name.
func (k EventKind) String() string {
	if k < 0 || k >= eventKinds {
		return fmt.Sprintf("EventKind(%d)", int(k))
	}
	return eventNames[k]
}

// registered29 has the plugins of v1.29.2 that have registered for a kind of event
// (EventsToRegister in pkg/scheduler/framework/plugins/*): Fit, TaintToleration, NodeAffinity and
// NodePorts for every Node/Update, NodeUnschedulable for Node/Add and taints; Fit and NodePorts
// for Pod/Delete.
var registered29 = [eventKinds]Rejection{
	BoundPodDeleted:  ByFit | ByPorts,
	NodeAdded:        ByFit | ByTaint | ByUnschedulable | ByNodeAffinity | ByPorts,
	NodeAllocatable:  ByFit | ByTaint | ByNodeAffinity | ByPorts,
	NodeTaintAdded:   ByFit | ByTaint | ByUnschedulable | ByNodeAffinity | ByPorts,
	NodeTaintRemoved: ByFit | ByTaint | ByUnschedulable | ByNodeAffinity | ByPorts,
	NodeUncordoned:   ByFit | ByTaint | ByUnschedulable | ByNodeAffinity | ByPorts,
	NodeLabels:       ByFit | ByTaint | ByNodeAffinity | ByPorts,
	NodeCondition:    ByFit | ByTaint | ByNodeAffinity | ByPorts,
}

// Wakes reports whether the event takes a pod rejected by these plugins out of the pool of
// unschedulable pods. It returns an error for a version that is not modelled.
//
// In v1.29 a plugin's registration is enough. But a node's event counts only if preCheckForNode
// (pkg/scheduler/eventhandlers.go:572) finds that the pod would fit there and tolerates its
// NoSchedule taints: a full node wakes nobody.
//
// In v1.37 each rejecting plugin is asked for a hint. Fit wants a bound pod gone, or room on the
// node that was not there before. TaintToleration only wants the taint gone and does not look for
// room. So once nodes flap, every recovery of a full node wakes the pods that some tainted node
// has rejected.
func Wakes(v Version, e ClusterEvent, by Rejection) (bool, error) {
	v, err := resolve(v)
	if err != nil {
		return false, err
	}
	return wakes(v, e, by), nil
}

// wakes is like Wakes for a resolved version.
func wakes(v Version, e ClusterEvent, by Rejection) bool {
	if e.Kind < 0 || e.Kind >= eventKinds {
		return false
	}
	if v == V1_29 {
		if registered29[e.Kind]&by == 0 {
			return false
		}
		return e.Kind == BoundPodDeleted || e.Fits && !e.Tainted
	}
	return hints37(e)&by != 0
}

// hints37 returns the plugins of v1.37.2 that answer Queue to the event.
func hints37(e ClusterEvent) (queue Rejection) {
	switch e.Kind {
	case BoundPodDeleted:
		queue |= ByFit // noderesources/fit.go isSchedulableAfterAssignedPodDelete; NodePorts looks for its port
		if e.Fits {
			queue |= ByPorts
		}
	case NodeAdded:
		queue |= ByPorts | ByUnschedulable // the one has no hint; the other takes a node that is not cordoned
		if e.Fits {
			queue |= ByFit | ByNodeAffinity
		}
		if !e.Tainted {
			queue |= ByTaint
		}
	case NodeAllocatable:
		if e.Fits {
			queue |= ByFit
		}
	case NodeTaintRemoved:
		if !e.Tainted {
			queue |= ByTaint
		}
	case NodeUncordoned:
		queue |= ByUnschedulable
	case NodeLabels:
		if e.Fits {
			queue |= ByNodeAffinity
		}
	}
	return queue
}
