package capacity

import (
	"encoding/json"
)

// Answer counts a workload's replicas that run, fit, wait or are refused, and gives the reasons.
//
// Desired = Running + Fits + Pending + Rejected where Desired >= Running. A workload to be scaled
// down has none to place: Fits, Pending and Rejected are 0.
type Answer struct {
	Desired int `json:"desired"` // replicas asked for, in all
	Running int `json:"running"` // already bound to nodes of the snapshot, and not being deleted
	Fits    int `json:"fits"`    // more that can be placed now
	Pending int `json:"pending"` // created, but unschedulable
	// Rejected counts replicas that are never created: a ResourceQuota, a LimitRange or other
	// admission refuses them.
	Rejected int `json:"rejected"`
	// Preemptible counts the replicas of Pending that could be placed by evicting pods of lower
	// priority, as kube-scheduler would. They are not counted in Fits.
	Preemptible int `json:"preemptible"`
	// Message is kube-scheduler's whole sentence about the first replica that does not fit. It is
	// empty when none is left over.
	Message string `json:"message,omitempty"`
	// Reasons are the parts of Message that come from the nodes, in its order. One node can give
	// several, so their Nodes may add up to more than there are.
	Reasons []Reason `json:"reasons,omitempty"`
	// Nodes is the room of every node before any of Fits is placed, ordered by name. Which of them
	// the scheduler would choose is not said here.
	Nodes []NodeRoom `json:"nodes,omitempty"`
	// Refusal is the API server's sentence about the first rejected replica. The name in it ends
	// where the server would add five random characters.
	Refusal string `json:"refusal,omitempty"`
	// Warnings name what the answer leaves out or assumes.
	Warnings []error `json:"-"`
}

// Reason explains in kube-scheduler's words why some nodes take no more.
type Reason struct {
	Text  string `json:"text"`
	Nodes int    `json:"nodes"`
}

// MarshalJSON writes the answer with its warnings as text.
func (a Answer) MarshalJSON() ([]byte, error) {
	type plain Answer // without this method
	warnings := make([]string, len(a.Warnings))
	for i, w := range a.Warnings {
		warnings[i] = w.Error()
	}
	return json.Marshal(struct {
		plain
		Warnings []string `json:"warnings,omitempty"`
	}{plain(a), warnings})
}
