package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
)

// purpose says what a request is for. Its row in [table] says what follows from that.
type purpose uint8

const (
	forLease purpose = iota
	forLeaseGet
	forStatus
	forStatusGet
	forElection
	forElectionGet
	forLivez
	forKubectl
	forBreaker
	forNotReady
	forNotReadyGet
	forTaint
	forEvict
	forMarkPod
	forNodeEvent
	forPodCreate
	forPodMessage
	forPodEvent
	forPodBind
	forPodGet
	forPodReady
	forPodDelete
	forSlice
	forEndpoints
	forReplicaSet
	forScale
	forIdentity
	forRegistrationGet
	forRegistrationGrant
	forRegistration
	forInformers
	forBoot
	forEviction
	forToken
	forCNIRead
	forCNIWrite
	forReportGet
	forReport
	forKubeletEvent
	forScaleGet
	forCount
	purposes

	forRevoke = purposes // etcd's own end of a lease: no request, so nothing is counted of it
)

// row is a kind of request.
type row struct {
	asker    asker
	level    level    // in the API servers' priority and fairness
	patience patience // of the client
	verb     verb
	space    space
	class    class                   // of the operation in etcd
	db       int                     // bytes that a revision takes in etcd's db
	landed   func(*cluster, landing) // what changes when it lands in etcd; nil: nothing
	replied  func(*cluster, answer)  // who hears of its end; nil: nobody
}

// landing is a write that changes its object in etcd, whether anybody still waits for it or not.
type landing struct {
	who     int32
	version uint32
}

// answer is the end of a request.
type answer struct {
	why     purpose
	who     int32
	version uint32
	code    code
}

// asker is who asks.
type asker uint8

const (
	anyone asker = iota
	aKubelet
	aServer        // an API server itself
	theControllers // an answer to a process that has exited is dropped
)

// level is a priority level of flowcontrol's bootstrap configuration, v1.29.2 and v1.37.2
// (staging/src/k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go).
type level uint8

const (
	nodeHigh level = iota
	system
	workloadHigh
	leaderElection
	workloadLow
	globalDefault
	catchAll
	exempt
	levels
)

// patience is the timeout of a client.
type patience uint8

const (
	serverDeadline   patience = iota // none below the API server's own: 60 s for a read, 34 s for a write
	heartbeatTimeout                 // 10 s, a kubelet's heartbeat client: the lease duration x 0.25 (cmd/kubelet/app/server.go)
	electionTimeout                  // half the renew deadline (resourcelock.NewFromKubeconfig)
	probeTimeout                     // 15 s, kubeadm's liveness probe
	unlimited                        // the API server's own loops
)

// verb is what a request does.
type verb uint8

const (
	update verb = iota // PUT with a resourceVersion: conflict if the object moved on
	patch              // PATCH: retried inside the server when the object moved on
	create             // POST, and anything that no other writer touches
	get                // a quorum read
	probe              // /livez: a quorum read with 2 s of patience
)

// reads reports whether a verb only reads.
func (v verb) reads() bool { return v == get || v == probe }

// space is where a request's object has its resourceVersion.
type space uint8

const (
	plain space = iota // no other writer: versions do not matter
	leases
	nodes
	elections
	registrations
)

// deadline is the timer of a request: which line it stands in, and what it means. A line of -1
// is none.
type deadline struct {
	line  int
	after time.Duration
	kind  uint16
}

// deadlineOf returns the timer that ends a request of the row, whoever sets it.
func deadlineOf(r *row, s *scenario.Scenario) deadline {
	switch r.patience {
	case heartbeatTimeout:
		return deadline{lineHeartbeat, 10 * time.Second, evPatience}
	case electionTimeout:
		return deadline{lineElection, max(s.Elections.Renew/2, time.Second), evPatience}
	case probeTimeout:
		return deadline{lineProbe, 15 * time.Second, evPatience}
	case unlimited:
		return deadline{line: -1}
	}
	if r.verb == get {
		return deadline{lineReads, 60 * time.Second, evDeadline}
	}
	return deadline{lineWrites, 34 * time.Second, evDeadline}
}
