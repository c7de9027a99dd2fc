package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
)

// The lines of the kernel. The timers of a line come due in the order in which they are set.
const (
	lineHeartbeat = iota // timeout of a kubelet's heartbeat client
	lineElection         // timeout of a leader election's client
	lineEtcd             // etcdTimeout
	lineCheck            // the API server's own limit on its check of etcd
	lineAnswers          // answers while the control plane is quiet
	lineReads            // the API server's deadline for a read
	lineWrites           // the API server's deadline for a write
	lineProbe            // timeout of the kubelet's liveness probe
	lineCount
)

// deadline is the timer that ends a request which nobody has answered.
type deadline struct {
	line  int           // that it waits in; -1: there is no deadline
	after time.Duration // the request's begin
	kind  uint16        // of the timer
}

// deadlineOf returns the deadline of a row's requests: the client's timeout, or else the API
// server's.
func deadlineOf(r *row, s *scenario.Scenario) deadline {
	switch r.patience {
	case heartbeatTimeout:
		return deadline{line: lineHeartbeat, after: 10 * time.Second, kind: evPatience}
	case electionTimeout:
		return deadline{line: lineElection, after: max(s.Elections.Renew/2, time.Second), kind: evPatience}
	case probeTimeout:
		return deadline{line: lineProbe, after: 15 * time.Second, kind: evPatience}
	case unlimited:
		return deadline{line: -1}
	}
	if r.verb == get {
		return deadline{line: lineReads, after: 60 * time.Second, kind: evDeadline}
	}
	return deadline{line: lineWrites, after: 34 * time.Second, kind: evDeadline}
}
