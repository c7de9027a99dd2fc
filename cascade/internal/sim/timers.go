package sim

import (
	"errors"

	"github.com/redline-go/redline/internal/vtime"
)

// Kinds of timers.
const (
	evAdmit uint16 = iota
	evPatience
	evDeadline
	evEtcdDeadline
	evProbeOver
	evAnswer
	evDrop
	evLease
	evLeaseRetry
	evLeaseGet
	evStatus
	evPods
	evElectRenew
	evElectTry
	evElectDeadline
	evElectStart
	evInformers
	evLivez
	evBoot
	evBootMore
	evKubectl
	evMonitor
	evNodeEvent
	evReplicas
	evEndpoints
	evSchedule
	evAction
	evScaleAgain
	evChurn
	evIdentity
	evRevoke
	evEvict
	evGrid
	evSeats
	evAutoscale
	evStall
	evRelist
	evPod
	evReport
	evProxy
	evScalePoll
	evPower
	evDefrag
	evUnhealthy
	evBindAgain
	evCount
	timerKinds
)

// timer says what a kind of timer does when it is due.
type timer struct {
	wanted func(*cluster, vtime.Event) bool // nil: always; a timer that is void is dropped
	due    func(*cluster, vtime.Event)
}

// timers has a row for each kind.
var timers = [timerKinds]timer{
	evAdmit:        {ofRequest, func(c *cluster, e vtime.Event) { c.admit(e.Who) }},
	evPatience:     {ofRequest, func(c *cluster, e vtime.Event) { c.finish(e.Who, gaveUp) }},
	evDeadline:     {ofRequest, func(c *cluster, e vtime.Event) { c.finish(e.Who, late) }},
	evEtcdDeadline: {ofWrite, func(c *cluster, e vtime.Event) { c.finish(e.Who, failed) }},
	evProbeOver:    {ofRequest, func(c *cluster, e vtime.Event) { c.finish(e.Who, failed) }},
	evAnswer:       {ofRequest, func(c *cluster, e vtime.Event) { c.calm.answer(e.Who) }},
	evDrop:         {ofRequest, func(c *cluster, e vtime.Event) { c.finish(e.Who, refused) }},

	evLease:      {ofLeaseLoop, func(c *cluster, e vtime.Event) { c.kubelets.leaseRound(e.Who) }},
	evLeaseRetry: {ofLeaseLoop, func(c *cluster, e vtime.Event) { c.kubelets.leasePut(e.Who) }},
	evLeaseGet:   {ofLeaseLoop, func(c *cluster, e vtime.Event) { c.ask(forLeaseGet, e.Who, 0) }},
	evPower:      {ofLeaseLoop, func(c *cluster, e vtime.Event) { c.kubelets.powerOn(e.Who) }},
	evStatus:     {ofStatusLoop, func(c *cluster, e vtime.Event) { c.kubelets.statusRound(e.Who) }},
	evStall:      {ofStall, func(c *cluster, e vtime.Event) { c.kubelets.plegFails(e.Who) }},
	evRelist:     {ofStall, func(c *cluster, e vtime.Event) { c.kubelets.relisted(e.Who) }},
	evPods:       {nil, func(c *cluster, e vtime.Event) { c.kubelets.podsRound(e.Who) }},
	evReport:     {nil, func(c *cluster, e vtime.Event) { c.pods.report(e.Who) }},
	evPod:        {ofPod, func(c *cluster, e vtime.Event) { c.pods.goOn(e.Who) }},

	evElectRenew:    {ofElector, func(c *cluster, e vtime.Event) { c.electors.renew(e.Who) }},
	evElectTry:      {ofElector, func(c *cluster, e vtime.Event) { c.electors.try(e.Who) }},
	evElectDeadline: {ofElector, func(c *cluster, e vtime.Event) { c.electors.lost(e.Who) }},
	evElectStart:    {ofElector, func(c *cluster, e vtime.Event) { c.electors.boot(e.Who) }},
	evInformers:     {ofElector, func(c *cluster, e vtime.Event) { c.ask(forInformers, e.Who, 0) }},

	evLivez:    {ofPeriod, func(c *cluster, e vtime.Event) { c.servers.livez(e.Who) }},
	evIdentity: {ofPeriod, func(c *cluster, e vtime.Event) { c.servers.identity(e.Who) }},
	evSeats:    {ofPeriod, func(c *cluster, _ vtime.Event) { c.servers.adjustSeats() }},
	evKubectl:  {ofPeriod, func(c *cluster, _ vtime.Event) { c.ask(forKubectl, 0, 0) }},
	evBoot:     {nil, func(c *cluster, e vtime.Event) { c.servers.boot(e.Who) }},
	evBootMore: {nil, func(c *cluster, e vtime.Event) { c.ask(forBoot, e.Who, 0) }},
	evCount:    {nil, func(c *cluster, e vtime.Event) { c.servers.countObjects(e.Who, e.Gen) }},
	evRevoke:   {nil, func(c *cluster, e vtime.Event) { c.lessor.revoke(e.Who, e.Gen > 0) }},

	evMonitor:   {ofPass, func(c *cluster, _ vtime.Event) { c.life.monitor() }},
	evNodeEvent: {ofControllers, func(c *cluster, _ vtime.Event) { c.life.postEvent() }},
	evReplicas:  {ofControllers, func(c *cluster, _ vtime.Event) { c.replicas.sync() }},
	evEndpoints: {ofControllers, func(c *cluster, e vtime.Event) { c.endpoints.write(e.Who) }},
	evEvict:     {ofControllers, func(c *cluster, e vtime.Event) { c.life.evict(e.Who) }},
	evAutoscale: {nil, func(c *cluster, _ vtime.Event) { c.err = errors.Join(c.err, c.hpa.sync()) }},

	evSchedule:  {nil, func(c *cluster, e vtime.Event) { c.sched.due(e.Gen) }},
	evBindAgain: {nil, func(c *cluster, _ vtime.Event) { c.sched.bindAgain() }},
	evChurn:     {ofChurn, func(c *cluster, _ vtime.Event) { c.sched.churn() }},

	evProxy:     {ofProxy, func(c *cluster, _ vtime.Event) { c.proxies.elapsed() }},
	evUnhealthy: {ofOverload, func(c *cluster, _ vtime.Event) { c.users.unhealthy() }},

	evAction:     {nil, func(c *cluster, e vtime.Event) { c.operator.act(e.Who) }},
	evScaleAgain: {nil, func(c *cluster, e vtime.Event) { c.ask(forScale, e.Who, 0) }},
	evScalePoll:  {nil, func(c *cluster, e vtime.Event) { c.ask(forScaleGet, e.Who, 0) }},
	evDefrag:     {nil, func(c *cluster, _ vtime.Event) { c.operator.defragmented() }},
	evGrid:       {nil, func(c *cluster, _ vtime.Event) { c.rec.due() }},
}

func ofRequest(c *cluster, e vtime.Event) bool { return c.current(e) }

func ofWrite(c *cluster, e vtime.Event) bool {
	return c.current(e) && c.requests[e.Who].stage == writing
}

func ofLeaseLoop(c *cluster, e vtime.Event) bool { return e.Gen == c.kubelets.list[e.Who].leaseGen }

func ofStatusLoop(c *cluster, e vtime.Event) bool { return e.Gen == c.kubelets.list[e.Who].statusGen }

func ofStall(c *cluster, e vtime.Event) bool { return e.Gen == c.kubelets.list[e.Who].stalls }

func ofPod(c *cluster, e vtime.Event) bool { return e.Gen == c.pods.slots[e.Who].turn }

func ofElector(c *cluster, e vtime.Event) bool { return e.Gen == c.electors.list[e.Who].gen }

func ofPeriod(c *cluster, e vtime.Event) bool { return e.Gen == c.calm.periodic }

func ofPass(c *cluster, e vtime.Event) bool {
	return e.Gen == c.life.pass && c.electors.list[controllers].working
}

func ofControllers(c *cluster, e vtime.Event) bool {
	m := &c.electors.list[controllers]
	return e.Gen == m.process && m.working
}

func ofChurn(c *cluster, e vtime.Event) bool { return e.Gen == c.sched.churnGen }

func ofProxy(c *cluster, e vtime.Event) bool { return e.Gen == c.proxies.gen }

func ofOverload(c *cluster, e vtime.Event) bool { return e.Gen == c.users.overGen }
