package cascade

import "time"

// What requests are for, and what that means for the API server and for etcd.

type verb uint8

const (
	update verb = iota // PUT with a resourceVersion: conflict if the object moved on
	patch              // PATCH: retried inside the server when the object moved on
	create             // POST, and anything that no other writer touches
	get                // a quorum read
	probe              // /livez: a quorum read with 2 s of patience
)

type space uint8

const (
	plain space = iota // no other writer: versions do not matter
	leases
	nodes
	elections
	registrations
)

type lane uint8

const (
	nodeHigh lane = iota
	system
	workloadHigh
	leaderElection
	workloadLow
	globalDefault
	catchAll
	exempt
	lanes
)

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

// traits is what the API server and etcd see of a purpose. Lanes: facts section 2 and
// staging/src/k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go; client timeouts: the kubelet's heartbeat client
// (cmd/kubelet/app/server.go, the lease duration x 0.25), resourcelock.NewFromKubeconfig (renew deadline / 2).
type traits struct {
	verb    verb
	space   space
	lane    lane
	timeout time.Duration // the client's; 0: the server's own
	db      int           // bytes a revision of this takes in etcd's db: facts/etcd.md
}

var traitsOf = [purposes]traits{
	forLease:             {update, leases, nodeHigh, 10 * time.Second, 827},
	forLeaseGet:          {get, leases, nodeHigh, 10 * time.Second, 0},
	forStatus:            {patch, nodes, nodeHigh, 10 * time.Second, 4114},
	forStatusGet:         {get, nodes, nodeHigh, 10 * time.Second, 0},
	forElection:          {update, elections, leaderElection, 5 * time.Second, 827},
	forElectionGet:       {get, elections, leaderElection, 5 * time.Second, 0},
	forLivez:             {probe, plain, exempt, 15 * time.Second, 0},
	forKubectl:           {get, plain, globalDefault, 0, 0},
	forBreaker:           {get, leases, workloadHigh, 0, 0},
	forNotReady:          {update, nodes, workloadHigh, 0, 4114},
	forNotReadyGet:       {get, nodes, workloadHigh, 0, 0},
	forTaint:             {patch, nodes, workloadHigh, 0, 4114},
	forEvict:             {patch, nodes, workloadHigh, 0, 4114},
	forMarkPod:           {create, plain, workloadHigh, 0, 4114},
	forNodeEvent:         {create, plain, workloadHigh, 0, 1033},
	forPodCreate:         {create, plain, workloadHigh, 0, 2066},
	forPodMessage:        {create, plain, workloadHigh, 0, 4114},
	forPodEvent:          {create, plain, workloadHigh, 0, 1378},
	forPodBind:           {create, plain, workloadHigh, 0, 2066},
	forPodGet:            {get, plain, system, 0, 0},
	forPodReady:          {create, plain, system, 0, 4114},
	forPodDelete:         {create, plain, workloadHigh, 0, 0},
	forSlice:             {create, plain, workloadHigh, 0, 8755},
	forEndpoints:         {create, plain, workloadHigh, 0, 8755},
	forReplicaSet:        {create, plain, workloadHigh, 0, 2066},
	forScale:             {create, plain, globalDefault, 0, 2066},
	forIdentity:          {create, plain, exempt, 0, 827},
	forRegistrationGet:   {get, plain, exempt, unlimited, 0},
	forRegistrationGrant: {create, plain, exempt, 0, 0},
	forRegistration:      {create, registrations, exempt, 0, 827},
	forInformers:         {get, plain, exempt, 0, 0},
	forBoot:              {create, plain, exempt, 0, 0},
	forEviction:          {create, plain, workloadHigh, 0, 2066},
	forToken:             {get, plain, system, 0, 0},
	forCNIRead:           {get, plain, workloadHigh, 0, 0}, // of a service account in kube-system
	forCNIWrite:          {create, plain, workloadHigh, 0, 2066},
	forReportGet:         {get, plain, system, 0, 0},
	forReport:            {create, plain, system, 0, 4114},
	forKubeletEvent:      {create, plain, system, 0, 1033},
	forScaleGet:          {get, plain, globalDefault, 0, 0},
	forCount:             {get, plain, exempt, unlimited, 0},
}

// asker is who asks.
type asker uint8

const (
	anyone asker = iota
	aKubelet
	aServer // an API server itself
	theControllers
)

var askerOf = [purposes]asker{
	forLease: aKubelet, forLeaseGet: aKubelet, forStatus: aKubelet, forStatusGet: aKubelet, forPodGet: aKubelet, forPodReady: aKubelet,
	forToken: aKubelet, forCNIRead: aKubelet, forCNIWrite: aKubelet, forReportGet: aKubelet, forReport: aKubelet, forKubeletEvent: aKubelet,

	forLivez: aServer, forBoot: aServer, forCount: aServer, forRegistrationGet: aServer, forRegistrationGrant: aServer, forRegistration: aServer,

	forBreaker: theControllers, forNotReady: theControllers, forNotReadyGet: theControllers, forMarkPod: theControllers, forTaint: theControllers,
	forEvict: theControllers, forNodeEvent: theControllers, forPodCreate: theControllers, forPodDelete: theControllers, forSlice: theControllers,
	forEndpoints: theControllers, forReplicaSet: theControllers, forEviction: theControllers,
}

// unlimited is the patience of the API server's own loops.
const unlimited = time.Duration(-1)
