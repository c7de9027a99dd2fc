package sim

// purpose says what a request is for. Its row in [table] says what follows from that.
type purpose uint8

// The purposes of requests.
const (
	// Of a kubelet: its heartbeats.
	forLease     purpose = iota // PUT of its Lease
	forLeaseGet                 // GET of its Lease, after a conflict or five failed PUTs
	forStatus                   // PATCH of its Node's status
	forStatusGet                // GET of its Node, after a failed PATCH

	// Of a component that elects a leader.
	forElection    // PUT of the leader lease
	forElectionGet // GET of the leader lease
	forInformers   // the lists that fill the caches of an elected component

	// Of an API server: its liveness probe, its start, its registration, its metrics.
	forLivez             // /livez of an API server, by its liveness probe
	forBoot              // an etcd operation of an API server's start
	forIdentity          // its identity Lease
	forRegistrationGet   // GET of its registration among the API servers
	forRegistrationGrant // grant of an etcd lease for the registration
	forRegistration      // PUT of the registration
	forCount             // an API server's count of the objects of a resource

	// Of the node lifecycle controller.
	forBreaker     // live GET of a Lease before its node is marked NotReady
	forNotReady    // PUT of a Node's Ready condition as Unknown
	forNotReadyGet // GET of the Node, after that PUT has failed
	forMarkPod     // PUT of a pod's Ready condition as False
	forNoSchedule  // PATCH of a Node's NoSchedule taint
	forNoExecute   // PATCH of a Node's NoExecute taint
	forEviction    // DELETE of a pod on a node with the NoExecute taint
	forNodeEvent   // Event about a node or one of its pods

	// Of the workload's controllers.
	forPodCreate
	forPodDelete  // DELETE of a pod, or of an Event: nobody waits for it
	forReplicaSet // PUT of the ReplicaSet
	forSlice      // the workload's EndpointSlice
	forEndpoints  // the workload's Endpoints

	// Of the scheduler.
	forPodBind
	forPodMessage // PATCH of a pending pod's PodScheduled condition
	forPodEvent   // the scheduler's Event about a pod

	// Of a kubelet: pods that the controller has marked, once their node is back.
	forPodGet   // GET before the PATCH
	forPodReady // PATCH of the Ready condition as True

	// Of a kubelet: what its pods need, and what it says of them.
	forToken        // TokenRequest
	forCNIRead      // a read of the CNI plugin's ADD
	forCNIWrite     // a write of the CNI plugin's ADD
	forReportGet    // GET of a pod before the PATCH
	forReport       // PATCH of a pod's status
	forKubeletEvent // Event about a pod

	// Of operators.
	forScale    // PATCH of the scale by `kubectl scale`
	forScaleGet // GET of the scale by `kubectl scale --timeout`
	forKubectl  // `kubectl get nodes` by an onlooker, every 10 s
	purposes

	forRevoke = purposes // etcd's own end of a lease: no request, so nothing is counted of it
)

// row describes a kind of request.
type row struct {
	asker    asker
	level    level    // in the API servers' priority and fairness
	patience patience // of the client
	verb     verb
	space    space
	class    class                   // of its operation in etcd
	db       int                     // bytes that a revision takes in etcd's db
	landed   func(*cluster, landing) // does what follows when it lands in etcd; nil: nothing
	replied  func(*cluster, answer)  // tells the asker how it ended; nil: nobody
}

// landing is a write that changes its object in etcd, whether anybody still waits for it or not.
type landing struct {
	who     int32
	version uint32
}

// answer is the end of a request, as its asker learns of it.
type answer struct {
	why     purpose
	who     int32  // the request's own
	version uint32 // the request's own
	code    code
}

// asker says who sends a request. That decides which API server gets it, and whether the answer
// still finds anybody.
type asker uint8

// The askers.
const (
	anyone asker = iota
	aKubelet
	aServer        // an API server itself
	theControllers // an answer to a process that has exited is dropped
)

// level is a priority level of flowcontrol's bootstrap configuration, v1.29.2 and v1.37.2
// (staging/src/k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go).
type level uint8

// The levels. Exempt requests need no seat.
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

// patience names the timeout of a client.
type patience uint8

// The timeouts. A heartbeat's is a quarter of the lease duration (cmd/kubelet/app/server.go), an
// election's half the renew deadline (resourcelock.NewFromKubeconfig).
const (
	serverDeadline   patience = iota // none below the API server's own: 60 s for a read, 34 s for a write
	heartbeatTimeout                 // 10 s, of a kubelet's heartbeat client
	electionTimeout                  // of a leader election's client
	probeTimeout                     // 15 s, of kubeadm's liveness probe
	unlimited                        // the API server's own loops
)

// verb says what a request does to its object.
type verb uint8

// The verbs.
const (
	update verb = iota // PUT with a resourceVersion: conflict if the object moved on
	patch              // PATCH: retried inside the server when the object moved on
	create             // POST, and anything that no other writer touches
	get                // a quorum read
	probe              // /livez: a quorum read that the API server itself ends after 2 s
)

// reads reports whether a verb only reads.
func (v verb) reads() bool { return v == get || v == probe }

// space says where the resourceVersion of a request's object is kept.
type space uint8

// The spaces.
const (
	plain         space = iota // nowhere: there is no other writer
	leases                     // node.lease
	nodes                      // node.object
	elections                  // elector.lease
	registrations              // server.record
)
