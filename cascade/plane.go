package cascade

import (
	"errors"
	"time"

	"github.com/redline-go/redline/hpa"
	"github.com/redline-go/redline/internal/stream"
	"github.com/redline-go/redline/internal/vtime"
	"github.com/redline-go/redline/scheduler/retry"
)

// Kinds of events in the queues.
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
)

// plane is the simulated control plane: all state of a run.
type plane struct {
	s   *Scenario
	now time.Duration
	end time.Duration

	queue                         vtime.Queue
	patience10, patienceElect     vtime.Line
	etcdDeadline, probes, answers vtime.Line
	reads60, writes34             vtime.Line // the API server's own deadlines
	lines                         [7]*vtime.Line
	firstLine                     int // whose timer is the first of all lines'; negative: to be found
	firstAt                       time.Duration
	kubeletDraws, electionDraws   stream.Source
	probeDraws, wakeDraws         stream.Source

	store                 etcd
	quiet                 bool
	pinned                bool // never quiet: for tests of the two against each other
	eager                 bool // parks neither candidates nor the scheduler's ticks: likewise
	periodic              uint32
	counted               time.Duration
	lastAnswer, lastWrite time.Duration
	breaker               bool
	observe               bool

	requests      []request
	freeRequests  []int32
	proposals     []proposal
	freeProposals []int32

	servers       []server
	kubelets      []kubelet
	kubeletLimits []limiter
	nodes         []node
	electors      [components]elector
	life          nodeLife
	evictLimit    limiter
	rs            replicaSet
	pods          *retry.Queue
	podsBusy      bool
	tickParked    time.Duration // the next tick of a scheduler that is away; 0: it is an event
	api           retry.API
	hpa           *Autoscaler
	autoscaler    *hpa.Autoscaler
	demand        float64 // millicores that users ask for
	scale         kubectl
	err           error // of a part that cannot go on
	writers       [2]endpointsWriter
	away          []away // by node
	slots         []pod
	freePods      []int32
	binding       []int32 // pods whose Binding has not landed, in order
	rules         rules
	users         users
	roomFor       int // workload pods that the nodes have room for
	idle          int // bound and not serving
	crashers      int // that have crashed
	fresh         int // that have never been Ready
	crashEvery    time.Duration
	podDraws      stream.Source
	churnEvery    time.Duration
	churnGen      uint32
	etcdLeases    []etcdLease // by number
	look          look
	firstScan     time.Duration

	pending, running           int
	attempts, messages, events int
	evictions, refused         int
	committed, wasted, writes  int
	dbBytes                    int
	quietFsyncs                float64
	asked                      [purposes]int
	answered                   [purposes][codes]int
	wroteBy                    [purposes]int
	latency, leaseLatency      histogram
	rec                        recorder
}

func (p *plane) newProposalSlot() int32 {
	if n := len(p.freeProposals); n > 0 {
		k := p.freeProposals[n-1]
		p.freeProposals = p.freeProposals[:n-1]
		return k
	}
	p.proposals = append(p.proposals, proposal{})
	return int32(len(p.proposals) - 1)
}

func (p *plane) wrote(why purpose, n int) {
	if why == forRegistrationGrant {
		return
	}
	p.writes += n
	p.wroteBy[why] += n
	p.dbBytes += n * traitsOf[why].db
}

// effect is what a landed write changes in the cluster.
func (p *plane) effect(q *proposal) {
	switch q.purpose {
	case forLease:
		p.nodes[q.who].renewed = p.now
	case forStatus:
		p.statusLanded(q.who)
		p.nodeWritten(q.who)
	case forNotReady:
		if !p.nodes[q.who].notReady {
			p.becameNotReady(q.who)
		}
	case forTaint:
		n := &p.nodes[q.who]
		if n.tainted && !n.notReady {
			p.nodeUntainted()
		}
		n.tainted = n.notReady
		p.nodeWritten(q.who)
	case forEvict:
		p.tainted(q.who)
		p.nodeWritten(q.who)
	case forMarkPod:
		p.podMarked(q.who)
	case forPodReady:
		if n := &p.nodes[q.who]; n.marked > 0 {
			n.marked--
			p.endpointsChanged()
		}
	case forPodCreate:
		p.podCreated()
	case forPodBind:
		p.bindLanded()
	case forReport:
		p.reported(q.version)
	case forReplicaSet:
		p.scale.status = p.rs.have
	case forRegistrationGrant:
		p.granted(q.who)
	case forRegistration:
		p.servers[q.who].attached = p.servers[q.who].lease
	case forSlice:
		p.sliceLanded()
	case forEndpoints:
		p.writers[1].posted = p.readyEndpoints()
	}
}

func (p *plane) reply(why purpose, who int32, version uint32, c code) {
	switch why {
	case forLease:
		p.leaseReply(who, version, c)
	case forLeaseGet:
		p.leaseGetReply(who, c)
	case forStatus:
		p.statusReply(who, c)
	case forStatusGet:
		p.statusGetReply(who, c)
	case forElection, forElectionGet:
		p.electReply(who, version, c, why == forElectionGet)
	case forInformers:
		p.informersReply(who, c)
	case forLivez:
		p.livezReply(who, c)
	case forBoot:
		p.bootReply(who, c)
	case forRegistrationGet, forRegistrationGrant, forRegistration:
		p.registrationReply(who, why, c)
	case forCount:
		p.countReply(who, version)
	case forKubectl:
		if c == late {
			p.note(ReadTimeout, "kubectl get nodes", L6)
		}
		p.queue.Push(p.now+kubectlPeriod, evKubectl, 0, p.periodic)
	case forBreaker, forNotReady, forNotReadyGet, forMarkPod:
		p.lifeReply(who, why, c)
	case forTaint:
		p.taintReply(who)
	case forEvict:
		p.evictReply(who, c)
	case forNodeEvent:
		p.eventPosted(c)
	case forPodCreate:
		p.podCreateReply(c)
	case forPodGet:
		p.podGetReply(who, c)
	case forPodReady:
		p.podReadyReply(who, c)
	case forSlice, forEndpoints:
		p.endpointsReply(who, c)
	case forScale, forScaleGet:
		p.scaleReply(why, who, c)
	case forToken, forCNIRead, forCNIWrite:
		p.podReply(version, c)
	case forReportGet, forReport:
		p.reportReply(why, who, version, c)
	}
}

// timer sets a request's timer in a line.
func (p *plane) timer(l *vtime.Line, at time.Duration, kind uint16, i int32, gen uint32) {
	if l.Len() == 0 {
		p.firstLine = -1
	}
	l.Push(at, kind, i, gen)
}

// findLine finds the first timer of all lines. Most are of requests that have ended, and fall out here.
func (p *plane) findLine() {
	p.firstAt, p.firstLine = vtime.Never, 0
	for i, l := range p.lines {
		for l.Len() > 0 && !p.current(l.Peek()) {
			l.Pop()
		}
		if t := l.Next(); t < p.firstAt {
			p.firstAt, p.firstLine = t, i
		}
	}
}

// run lets virtual time pass until the end.
func (p *plane) run() {
	for {
		at, line := p.queue.Next(), -1
		if p.firstLine < 0 {
			p.findLine()
		}
		if p.firstAt < at {
			at, line = p.firstAt, p.firstLine
		}
		if t := p.store.next(); t <= at {
			if t > p.end {
				break
			}
			p.store.advanceTo(min(at, p.end))
			continue
		}
		if at > p.end {
			break
		}
		var e vtime.Event
		if line < 0 {
			e = p.queue.Pop()
		} else {
			e = p.lines[line].Pop()
			p.firstLine = -1
		}
		p.now = e.At
		p.handle(e)
	}
	p.now = p.end
	p.count()
}

func (p *plane) current(e vtime.Event) bool {
	r := &p.requests[e.Who]
	return r.gen == e.Gen && r.stage != free
}

func (p *plane) handle(e vtime.Event) {
	switch e.Kind {
	case evAdmit, evPatience, evDeadline, evEtcdDeadline, evProbeOver, evAnswer, evDrop:
		if p.current(e) {
			p.requestEvent(e.Kind, e.Who)
		}
	case evLease, evLeaseRetry, evLeaseGet:
		if e.Gen == p.kubelets[e.Who].leaseGen {
			p.leaseEvent(e.Kind, e.Who)
		}
	case evStatus:
		if e.Gen == p.kubelets[e.Who].statusGen {
			p.statusRound(e.Who)
		}
	case evPods:
		p.podsRound(e.Who)
	case evElectRenew, evElectTry, evElectDeadline, evElectStart, evInformers:
		if e.Gen == p.electors[e.Who].gen {
			p.electEvent(e.Kind, e.Who)
		}
	case evLivez, evIdentity, evKubectl, evSeats:
		if e.Gen == p.periodic {
			p.periodicEvent(e.Kind, e.Who)
		}
	case evMonitor:
		if e.Gen == p.life.pass && p.electors[controllers].working {
			p.monitor()
		}
	case evNodeEvent, evReplicas, evEndpoints, evEvict:
		if e.Gen == p.electors[controllers].process && p.electors[controllers].working {
			p.controllerEvent(e.Kind, e.Who)
		}
	case evBoot:
		p.boot(e.Who)
	case evBootMore:
		p.ask(forBoot, e.Who, 0)
	case evSchedule:
		if e.Gen == soon {
			p.apiAnswers()
			p.schedule()
			return
		}
		p.scheduleTick()
	case evAction:
		p.act(e.Who)
	case evScaleAgain:
		p.ask(forScale, e.Who, 0)
	case evScalePoll:
		p.ask(forScaleGet, e.Who, 0)
	case evPod:
		if e.Gen == p.slots[e.Who].turn {
			p.podTimer(e.Who)
		}
	case evReport:
		p.report(e.Who)
	case evProxy:
		if e.Gen == p.rules.gen {
			p.proxyEvent()
		}
	case evUnhealthy:
		if e.Gen == p.users.overGen {
			p.unhealthy()
		}
	case evBindAgain:
		p.bindAgain()
	case evDefrag:
		p.defragmented()
	case evPower:
		if e.Gen == p.kubelets[e.Who].leaseGen {
			p.powerOn(e.Who)
		}
	case evAutoscale:
		p.err = errors.Join(p.err, p.autoscale())
	case evChurn:
		if e.Gen == p.churnGen {
			p.churn()
		}
	case evRevoke:
		p.revoke(e.Who, e.Gen > 0)
	case evStall:
		if e.Gen == p.kubelets[e.Who].stalls {
			p.plegFails(e.Who)
		}
	case evRelist:
		if e.Gen == p.kubelets[e.Who].stalls {
			p.relisted(e.Who)
		}
	case evCount:
		p.countObjects(e.Who, e.Gen)
	case evGrid:
		p.count()
		p.checkQuota()
		p.grid()
		p.goQuiet()
		p.queue.Push(p.now+p.s.Grid, evGrid, 0, 0)
	}
}
