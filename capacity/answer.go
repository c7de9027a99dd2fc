package capacity

import (
	"encoding/json"
)

// Answer says how many of a workload's replicas run, fit, wait or are refused, and why.
// Desired = Running + Fits + Pending + Rejected where Desired >= Running; a workload to be scaled
// down has neither of the three.
type Answer struct {
	Desired int `json:"desired"` // replicas asked for, in all
	Running int `json:"running"` // already bound to nodes of the snapshot, and not being deleted
	Fits    int `json:"fits"`    // more that can be placed now
	Pending int `json:"pending"` // created, but unschedulable
	// Rejected are never created: a ResourceQuota, a LimitRange or other admission refuses them.
	Rejected int `json:"rejected"`
	// Preemptible is how many of Pending could be placed by evicting pods of lower priority, as
	// kube-scheduler would; they are not counted in Fits.
	Preemptible int `json:"preemptible"`
	// Message is what kube-scheduler says of the first that does not fit, whole; empty when none is
	// left over.
	Message string `json:"message,omitempty"`
	// Reasons are the parts of Message that come from the nodes, in its order. One node can give
	// several, so Nodes may add up to more than there are.
	Reasons []Reason `json:"reasons,omitempty"`
	// Nodes is the room of every node before any of Fits is placed, in the order of their names.
	// Which of them the scheduler would choose is not said here.
	Nodes []NodeRoom `json:"nodes,omitempty"`
	// Refusal is what the API server says of the first rejected. The name in it ends where the
	// server would add five random characters.
	Refusal string `json:"refusal,omitempty"`
	// Warnings name what the answer leaves out or assumes.
	Warnings []error `json:"-"`
}

// Reason is why some nodes take no more, in kube-scheduler's words.
type Reason struct {
	Text  string `json:"text"`
	Nodes int    `json:"nodes"`
}

// MarshalJSON is the answer with its warnings as text.
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
