package sim

import (
	"errors"

	"github.com/redline-go/redline/internal/vtime"
)

// timer describes a kind of timer.
type timer struct {
	request bool                             // it is void once its request has ended
	wanted  func(*cluster, vtime.Event) bool // reports whether the timer still counts; nil: always
	due     func(*cluster, vtime.Event)      // does what is due
}

// Kinds of timers. The rows of [timers] say what each does.
const (
	// Of a request.
	evAdmit        uint16 = iota // the client's rate limiter lets it go
	evPatience                   // the client's timeout
	evDeadline                   // the API server's deadline
	evEtcdDeadline               // etcd's own timeout of a write
	evProbeOver                  // the API server's limit on its check of etcd
	evAnswer                     // the answer while all is quiet
	evDrop                       // the server's process is gone

	// Of a kubelet.
	evLease      // a round of the Lease loop
	evLeaseRetry // a PUT after a refused one
	evLeaseGet   // a GET after a failed one
	evStatus     // a round of the Node status loop
	evPods       // a round of the pods' reconciliation
	evReport     // a pod's status, after a report that failed
	evPod        // the next thing that a kubelet does with a pod
	evStall      // PLEG finds the last relist too old
	evRelist     // a runtime that hung is back
	evPower      // the power is back

	// Of a component that elects a leader.
	evElectRenew    // a leader's renewal
	evElectTry      // another try
	evElectDeadline // the renew deadline
	evElectStart    // a new process
	evInformers     // another list after a failed one

	// Of an API server.
	evLivez    // a liveness probe
	evBoot     // a start
	evBootMore // the next etcd operation of a start, after a failed one
	evIdentity // a round of an API server's registration
	evSeats    // the levels' adjustment
	evCount    // an API server's count of objects

	// Of the controllers.
	evMonitor   // a pass over the nodes
	evNodeEvent // an Event after a failed one
	evEvict     // the deletion of a tainted node's pods
	evReplicas  // a sync of the ReplicaSet
	evEndpoints // a write of the EndpointSlice or the Endpoints
	evAutoscale // a sync of the autoscaler

	// Of the scheduler.
	evSchedule  // a tick of the scheduler
	evBindAgain // a Binding after a refused one
	evChurn     // a deleted pod of another workload

	// Of the others.
	evRevoke     // the end of an etcd lease
	evProxy      // the end of a sync of kube-proxy, or of the wait for one
	evUnhealthy  // a liveness probe of the workload that has failed for good
	evAction     // an action of the scenario
	evScaleAgain // a scale command after a failed one
	evScalePoll  // a read of the scale
	evDefrag     // the defragmentation
	evKubectl    // an onlooker's read
	evGrid       // a point of the series
	timerKinds
)

// timers has a row for each kind of timer.
var timers = [timerKinds]timer{
	evAdmit:        {request: true, due: func(c *cluster, e vtime.Event) { c.admit(e.Who) }},
	evPatience:     {request: true, due: func(c *cluster, e vtime.Event) { c.finish(e.Who, gaveUp) }},
	evDeadline:     {request: true, due: func(c *cluster, e vtime.Event) { c.finish(e.Who, late) }},
	evEtcdDeadline: {request: true, wanted: ofWrite, due: func(c *cluster, e vtime.Event) { c.finish(e.Who, failed) }},
	evProbeOver:    {request: true, due: func(c *cluster, e vtime.Event) { c.finish(e.Who, failed) }},
	evAnswer:       {request: true, due: func(c *cluster, e vtime.Event) { c.calm.answer(e.Who) }},
	evDrop:         {request: true, due: func(c *cluster, e vtime.Event) { c.finish(e.Who, refused) }},

	evLease:      {wanted: ofLeaseLoop, due: func(c *cluster, e vtime.Event) { c.kubelets.leaseRound(e.Who) }},
	evLeaseRetry: {wanted: ofLeaseLoop, due: func(c *cluster, e vtime.Event) { c.kubelets.leasePut(e.Who) }},
	evLeaseGet:   {wanted: ofLeaseLoop, due: func(c *cluster, e vtime.Event) { c.ask(forLeaseGet, e.Who, 0) }},
	evPower:      {wanted: ofLeaseLoop, due: func(c *cluster, e vtime.Event) { c.kubelets.powerOn(e.Who) }},
	evStatus:     {wanted: ofStatusLoop, due: func(c *cluster, e vtime.Event) { c.kubelets.statusRound(e.Who) }},
	evStall:      {wanted: ofStall, due: func(c *cluster, e vtime.Event) { c.kubelets.plegFails(e.Who) }},
	evRelist:     {wanted: ofStall, due: func(c *cluster, e vtime.Event) { c.kubelets.relisted(e.Who) }},
	evPods:       {due: func(c *cluster, e vtime.Event) { c.kubelets.podsRound(e.Who) }},
	evReport:     {due: func(c *cluster, e vtime.Event) { c.pods.report(e.Who) }},
	evPod:        {wanted: ofPod, due: func(c *cluster, e vtime.Event) { c.pods.goOn(e.Who) }},

	evElectRenew:    {wanted: ofElector, due: func(c *cluster, e vtime.Event) { c.electors.renew(e.Who) }},
	evElectTry:      {wanted: ofElector, due: func(c *cluster, e vtime.Event) { c.electors.try(e.Who) }},
	evElectDeadline: {wanted: ofElector, due: func(c *cluster, e vtime.Event) { c.electors.lost(e.Who) }},
	evElectStart:    {wanted: ofElector, due: func(c *cluster, e vtime.Event) { c.electors.boot(e.Who) }},
	evInformers:     {wanted: ofElector, due: func(c *cluster, e vtime.Event) { c.ask(forInformers, e.Who, 0) }},

	evLivez:    {wanted: ofPeriod, due: func(c *cluster, e vtime.Event) { c.servers.livez(e.Who) }},
	evIdentity: {wanted: ofPeriod, due: func(c *cluster, e vtime.Event) { c.servers.identity(e.Who) }},
	evSeats:    {wanted: ofPeriod, due: func(c *cluster, _ vtime.Event) { c.servers.adjustSeats() }},
	evKubectl:  {wanted: ofPeriod, due: func(c *cluster, _ vtime.Event) { c.ask(forKubectl, 0, 0) }},
	evBoot:     {due: func(c *cluster, e vtime.Event) { c.servers.boot(e.Who) }},
	evBootMore: {due: func(c *cluster, e vtime.Event) { c.ask(forBoot, e.Who, 0) }},
	evCount:    {due: func(c *cluster, e vtime.Event) { c.servers.countObjects(e.Who, e.Gen) }},
	evRevoke:   {due: func(c *cluster, e vtime.Event) { c.lessor.revoke(e.Who, e.Gen > 0) }},

	evMonitor:   {wanted: ofPass, due: func(c *cluster, _ vtime.Event) { c.life.monitor() }},
	evNodeEvent: {wanted: ofControllers, due: func(c *cluster, _ vtime.Event) { c.life.postEvent() }},
	evReplicas:  {wanted: ofControllers, due: func(c *cluster, _ vtime.Event) { c.replicas.sync() }},
	evEndpoints: {wanted: ofControllers, due: func(c *cluster, e vtime.Event) { c.endpoints.write(e.Who) }},
	evEvict:     {wanted: ofControllers, due: func(c *cluster, e vtime.Event) { c.life.evict(e.Who) }},
	evAutoscale: {due: func(c *cluster, _ vtime.Event) { c.err = errors.Join(c.err, c.hpa.sync()) }},

	evSchedule:  {due: func(c *cluster, e vtime.Event) { c.sched.due(e.Gen) }},
	evBindAgain: {due: func(c *cluster, _ vtime.Event) { c.sched.bindAgain() }},
	evChurn:     {wanted: ofChurn, due: func(c *cluster, _ vtime.Event) { c.sched.churn() }},

	evProxy:     {wanted: ofProxy, due: func(c *cluster, _ vtime.Event) { c.proxies.elapsed() }},
	evUnhealthy: {wanted: ofOverload, due: func(c *cluster, _ vtime.Event) { c.users.unhealthy() }},

	evAction:     {due: func(c *cluster, e vtime.Event) { c.operator.act(e.Who) }},
	evScaleAgain: {due: func(c *cluster, e vtime.Event) { c.ask(forScale, e.Who, 0) }},
	evScalePoll:  {due: func(c *cluster, e vtime.Event) { c.ask(forScaleGet, e.Who, 0) }},
	evDefrag:     {due: func(c *cluster, _ vtime.Event) { c.operator.defragmented() }},
	evGrid:       {due: func(c *cluster, _ vtime.Event) { c.rec.due() }},
}

// ofWrite reports whether etcd still writes for the timer's request.
func ofWrite(c *cluster, e vtime.Event) bool { return c.requests[e.Who].stage == writing }

// ofLeaseLoop reports whether the timer is of the kubelet's present Lease loop.
func ofLeaseLoop(c *cluster, e vtime.Event) bool { return e.Gen == c.kubelets.list[e.Who].leaseGen }

// ofStatusLoop reports whether the timer is the last one of the kubelet's Node status loop.
func ofStatusLoop(c *cluster, e vtime.Event) bool { return e.Gen == c.kubelets.list[e.Who].statusGen }

// ofStall reports whether the timer is of the last hang of the node's runtime.
func ofStall(c *cluster, e vtime.Event) bool { return e.Gen == c.kubelets.list[e.Who].stalls }

// ofPod reports whether the timer is the pod's last one.
func ofPod(c *cluster, e vtime.Event) bool { return e.Gen == c.pods.slots[e.Who].turn }

// ofElector reports whether the timer is of the elector's present step.
func ofElector(c *cluster, e vtime.Event) bool { return e.Gen == c.electors.list[e.Who].gen }

// ofPeriod reports whether the timer is of the present stretch of coupled simulation.
func ofPeriod(c *cluster, e vtime.Event) bool { return e.Gen == c.calm.periodic }

// ofPass reports whether the timer is that of the node lifecycle controller's next pass.
func ofPass(c *cluster, e vtime.Event) bool {
	return e.Gen == c.life.pass && c.electors.list[controllers].working
}

// ofControllers reports whether the controller manager that set the timer still works.
func ofControllers(c *cluster, e vtime.Event) bool {
	m := &c.electors.list[controllers]
	return e.Gen == m.process && m.working
}

// ofChurn reports whether the timer is of the present churn.
func ofChurn(c *cluster, e vtime.Event) bool { return e.Gen == c.sched.churnGen }

// ofProxy reports whether the timer is kube-proxy's last one.
func ofProxy(c *cluster, e vtime.Event) bool { return e.Gen == c.proxies.gen }

// ofOverload reports whether the timer is of the present overload.
func ofOverload(c *cluster, e vtime.Event) bool { return e.Gen == c.users.overGen }
