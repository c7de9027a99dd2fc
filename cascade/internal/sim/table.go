package sim

import "github.com/redline-go/redline/cascade/story"

// table has a row for each kind of request. The bytes in the db are those of kube-apiserver's
// objects (validation/RESULTS/etcdmodel.md, Bytes of a revision), see [classes].
//
// The kernel reaches the table through a pointer. Its functions ask for requests, and would
// otherwise refer to the table while it is made.
var table = [purposes + 1]row{
	// The kubelets' heartbeats.
	forLease: {
		asker: aKubelet, level: nodeHigh, patience: heartbeatTimeout, verb: update, space: leases, class: classLease, db: 827,
		landed:  func(c *cluster, w landing) { c.nodes[w.who].renewed = c.now },
		replied: func(c *cluster, a answer) { c.kubelets.leaseReply(a.who, a.version, a.code) },
	},
	forLeaseGet: {
		asker: aKubelet, level: nodeHigh, patience: heartbeatTimeout, verb: get, space: leases, class: classRead,
		replied: func(c *cluster, a answer) { c.kubelets.leaseGetReply(a.who, a.code) },
	},
	forStatus: {
		asker: aKubelet, level: nodeHigh, patience: heartbeatTimeout, verb: patch, space: nodes, class: classNode, db: 4114,
		landed: func(c *cluster, w landing) {
			c.kubelets.statusLanded(w.who)
			c.life.nodeWritten(w.who)
		},
		replied: func(c *cluster, a answer) { c.kubelets.statusReply(a.who, a.code) },
	},
	forStatusGet: {
		asker: aKubelet, level: nodeHigh, patience: heartbeatTimeout, verb: get, space: nodes, class: classRead,
		replied: func(c *cluster, a answer) { c.kubelets.statusGetReply(a.who, a.code) },
	},

	// Leader elections, and the lists that fill a new process's caches.
	forElection: {
		level: leaderElection, patience: electionTimeout, verb: update, space: elections, class: classLease, db: 827,
		replied: func(c *cluster, a answer) { c.electors.reply(a.who, a.version, a.code, false) },
	},
	forElectionGet: {
		level: leaderElection, patience: electionTimeout, verb: get, space: elections, class: classRead,
		replied: func(c *cluster, a answer) { c.electors.reply(a.who, a.version, a.code, true) },
	},
	forInformers: {
		level: exempt, verb: get, class: classRead,
		replied: func(c *cluster, a answer) { c.electors.informersReply(a.who, a.code) },
	},

	// The API servers' own requests.
	forLivez: {
		asker: aServer, level: exempt, patience: probeTimeout, verb: probe, class: classRead,
		replied: func(c *cluster, a answer) { c.servers.livezReply(a.who, a.code) },
	},
	forBoot: {
		asker: aServer, level: exempt, verb: create, class: classOther,
		replied: func(c *cluster, a answer) { c.servers.bootReply(a.who, a.code) },
	},
	forIdentity: {level: exempt, verb: create, class: classLease, db: 827},
	forRegistrationGet: {
		asker: aServer, level: exempt, patience: unlimited, verb: get, class: classRead,
		replied: registrationReplied,
	},
	forRegistrationGrant: {
		asker: aServer, level: exempt, verb: create, class: classGrant,
		landed:  func(c *cluster, w landing) { c.servers.granted(w.who) },
		replied: registrationReplied,
	},
	forRegistration: {
		asker: aServer, level: exempt, verb: create, space: registrations, class: classOther, db: 827,
		landed: func(c *cluster, w landing) {
			s := &c.servers.list[w.who]
			s.attached = s.lease
		},
		replied: registrationReplied,
	},
	forCount: {
		asker: aServer, level: exempt, patience: unlimited, verb: get, class: classRead,
		replied: func(c *cluster, a answer) { c.servers.countReply(a.who, a.version) },
	},

	// The node lifecycle controller.
	forBreaker: {
		asker: theControllers, level: workloadHigh, verb: get, space: leases, class: classRead, replied: lifeReplied,
	},
	forNotReadyGet: {
		asker: theControllers, level: workloadHigh, verb: get, space: nodes, class: classRead, replied: lifeReplied,
	},
	forNotReady: {
		asker: theControllers, level: workloadHigh, verb: update, space: nodes, class: classNode, db: 4114,
		landed: func(c *cluster, w landing) {
			if !c.nodes[w.who].notReady {
				c.life.becameNotReady(w.who)
			}
		},
		replied: lifeReplied,
	},
	forMarkPod: {
		asker: theControllers, level: workloadHigh, verb: create, class: classPod, db: 4114,
		landed:  func(c *cluster, w landing) { c.life.podMarked(w.who) },
		replied: lifeReplied,
	},
	forNoSchedule: {
		asker: theControllers, level: workloadHigh, verb: patch, space: nodes, class: classNode, db: 4114,
		landed:  func(c *cluster, w landing) { c.life.noScheduleLanded(w.who) },
		replied: func(c *cluster, a answer) { c.life.noScheduleReply(a.who) },
	},
	forNoExecute: {
		asker: theControllers, level: workloadHigh, verb: patch, space: nodes, class: classNode, db: 4114,
		landed: func(c *cluster, w landing) {
			c.life.noExecuteLanded(w.who)
			c.life.nodeWritten(w.who)
		},
		replied: func(c *cluster, a answer) { c.life.noExecuteReply(a.who, a.code) },
	},
	forNodeEvent: {
		asker: theControllers, level: workloadHigh, verb: create, class: classEvent, db: 1033,
		replied: func(c *cluster, a answer) { c.life.eventPosted(a.code) },
	},
	forEviction: {asker: theControllers, level: workloadHigh, verb: create, class: classPod, db: 2066},

	// The workload's controllers.
	forPodCreate: {
		asker: theControllers, level: workloadHigh, verb: create, class: classPod, db: 2066,
		landed:  func(c *cluster, _ landing) { c.sched.podCreated() },
		replied: func(c *cluster, a answer) { c.replicas.createReply(a.code) },
	},
	forPodDelete: {asker: theControllers, level: workloadHigh, verb: create, class: classPod},
	forReplicaSet: {
		asker: theControllers, level: workloadHigh, verb: create, class: classOther, db: 2066,
		landed: func(c *cluster, _ landing) { c.operator.status = c.replicas.have },
	},
	forSlice: {
		asker: theControllers, level: workloadHigh, verb: create, class: classOther, db: 8755,
		landed:  func(c *cluster, _ landing) { c.proxies.sliceLanded() },
		replied: endpointsReplied,
	},
	forEndpoints: {
		asker: theControllers, level: workloadHigh, verb: create, class: classOther, db: 8755,
		landed:  func(c *cluster, _ landing) { c.endpoints.writers[1].posted = c.endpoints.ready() },
		replied: endpointsReplied,
	},

	// The scheduler.
	forPodMessage: {level: workloadHigh, verb: create, class: classPod, db: 4114},
	forPodEvent:   {level: workloadHigh, verb: create, class: classEvent, db: 1378},
	forPodBind: {
		level: workloadHigh, verb: create, class: classPod, db: 2066,
		landed: func(c *cluster, _ landing) { c.pods.bindLanded() },
	},

	// What kubelets ask for their pods.
	forPodGet: {
		asker: aKubelet, level: system, verb: get, class: classRead,
		replied: func(c *cluster, a answer) { c.kubelets.podGetReply(a.who, a.code) },
	},
	forPodReady: {
		asker: aKubelet, level: system, verb: create, class: classPod, db: 4114,
		landed: func(c *cluster, w landing) {
			if n := &c.nodes[w.who]; n.marked > 0 {
				n.marked--
				c.endpoints.changed()
			}
		},
		replied: func(c *cluster, a answer) { c.kubelets.podReadyReply(a.who, a.code) },
	},
	forToken: {asker: aKubelet, level: system, verb: get, class: classRead, replied: podReplied},
	// The CNI plugin asks as a service account in kube-system.
	forCNIRead:   {asker: aKubelet, level: workloadHigh, verb: get, class: classRead, replied: podReplied},
	forCNIWrite:  {asker: aKubelet, level: workloadHigh, verb: create, class: classOther, db: 2066, replied: podReplied},
	forReportGet: {asker: aKubelet, level: system, verb: get, class: classRead, replied: reportReplied},
	forReport: {
		asker: aKubelet, level: system, verb: create, class: classPod, db: 4114,
		landed:  func(c *cluster, w landing) { c.pods.reported(w.version) },
		replied: reportReplied,
	},
	forKubeletEvent: {asker: aKubelet, level: system, verb: create, class: classEvent, db: 1033},

	// Operators.
	forKubectl: {
		level: globalDefault, verb: get, class: classRead,
		replied: func(c *cluster, a answer) {
			if a.code == late {
				c.note(story.ReadTimeout, "kubectl get nodes", story.L6)
			}
			c.at(c.now+kubectlPeriod, evKubectl, 0, c.calm.periodic)
		},
	},
	forScale:    {level: globalDefault, verb: create, class: classOther, db: 2066, replied: scaleReplied},
	forScaleGet: {level: globalDefault, verb: get, class: classRead, replied: scaleReplied},

	forRevoke: {class: classRevoke},
}

// registrationReplied tells an API server's registration.
func registrationReplied(c *cluster, a answer) { c.servers.registrationReply(a.who, a.why, a.code) }

// lifeReplied tells the node lifecycle controller's pass.
func lifeReplied(c *cluster, a answer) { c.life.reply(a.who, a.why, a.code) }

// endpointsReplied tells the writer of the EndpointSlice or of the Endpoints.
func endpointsReplied(c *cluster, a answer) { c.endpoints.reply(a.who, a.code) }

// podReplied tells a pod that prepares. Its key was sent as the request's version.
func podReplied(c *cluster, a answer) { c.pods.reply(a.version, a.code) }

// reportReplied tells a kubelet's status manager. The pod's key was sent as the version.
func reportReplied(c *cluster, a answer) { c.pods.reportReply(a.why, a.who, a.version, a.code) }

// scaleReplied tells `kubectl scale`.
func scaleReplied(c *cluster, a answer) { c.operator.scaleReply(a.why, a.who, a.code) }
