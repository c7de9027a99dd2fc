package cascade

import (
	"time"

	"github.com/redline-go/redline/internal/stream"
	"github.com/redline-go/redline/internal/vtime"
	"github.com/redline-go/redline/scheduler/retry"
)

const (
	evAdmit uint16 = iota
	evPatience
	evDeadline
	evEtcdDeadline
	evProbeOver
	evLease
	evLeaseRetry
	evLeaseGet
	evStatus
	evPods
	evElectRenew
	evElectTry
	evElectDeadline
	evElectStart
	evLivez
	evKubectl
	evMonitor
	evReplicas
	evEndpoints
	evSchedule
	evAction
	evChurn
	evIdentity
	evTaint
	evGrid
	evSeats
	evRevoke
	evAnswer
)

const (
	scheduler = iota
	controllers
	components
)

var componentNames = [components]string{"kube-scheduler", "kube-controller-manager"}

type server struct {
	lanes [lanes]seats
	down  bool
	fails int
	out   bool
	registered time.Duration
}

// plane is the simulated control plane.
type plane struct {
	s   *Scenario
	now time.Duration
	end time.Duration

	queue                               vtime.Queue
	patience10, patience5, etcdDeadline vtime.Line
	probes, answers                     vtime.Line

	kubeletDraws, electionDraws stream.Source

	store   store
	quiet   bool
	breaker bool

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
	rs            replicaSet
	pods          *retry.Queue
	writers       [2]endpointsWriter
	message       int
	granted uint32
	revoked [maxGrants]uint32
	churnEvery    time.Duration
	churnGen      uint32

	pending, running, deleted           int
	attempts, messages, eventWrites     int
	committed, wasted, writes, dbBytes  int
	asked                               [purposes]int
	answered                            [purposes][codes]int
	wroteBy                             [purposes]int
	latencies                           func(purpose, code, time.Duration)
	notes                               func(at time.Duration, k EventKind, who string, c cause)
	onGrid                              func()
}

func (p *plane) version(s space, who int32) *uint32 {
	switch s {
	case leases:
		return &p.nodes[who].lease
	case nodes:
		return &p.nodes[who].object
	}
	return &p.electors[who].lease
}

func (p *plane) versionOf(s space, who int32) uint32 {
	if s == plain {
		return 0
	}
	return *p.version(s, who)
}

func (p *plane) serverOfNode(i int32) int32 { return i % int32(len(p.servers)) }

func (p *plane) serverFor(r *request) int32 {
	switch r.purpose {
	case forLease, forLeaseGet, forStatus, forStatusGet, forPodGet, forPodReady:
		return p.serverOfNode(r.who)
	case forLivez, forRegistrationGet, forRegistrationGrant, forRegistration:
		return r.who
	}
	return 0
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
	if why != forRegistrationGrant {
		p.writes += n
	}
	p.wroteBy[why] += n
	p.dbBytes += n * traitsOf[why].db
}

// effect is what a landed write changes in the cluster.
func (p *plane) effect(q *proposal) {
	switch q.purpose {
	case forLease:
		p.nodes[q.who].renewed = p.now
	case forStatus:
		if p.nodes[q.who].notReady {
			p.nodes[q.who].probed = p.now
			p.becameReady(q.who)
		}
	case forNotReady:
		if !p.nodes[q.who].notReady {
			p.becameNotReady(q.who)
		}
	case forTaint:
		p.nodes[q.who].tainted = p.nodes[q.who].notReady
	case forEvict:
		p.nodes[q.who].evicting = true
	case forMarkPod:
		n := &p.nodes[q.who]
		if n.marked < n.pods {
			n.marked++
			p.endpointsChanged()
		}
		if !n.notReady {
			p.podsWake(q.who)
		}
	case forPodReady:
		if n := &p.nodes[q.who]; n.marked > 0 {
			n.marked--
			p.endpointsChanged()
		}
	case forPodCreate:
		p.rs.have++
		p.pending++
		p.pods.Advance(p.now)
		p.pods.Add(1)
	case forRegistrationGrant: // TTL 15 s and 5 %, looked at every 500 ms
		p.granted++
		p.queue.Push(p.now+15750*time.Millisecond+time.Duration(p.electionDraws.Float()*5e8), evRevoke, int32(p.granted), 0)
	case forSlice, forEndpoints:
		i := 0
		if q.purpose == forEndpoints {
			i = 1
		}
		p.writers[i].posted = p.readyEndpoints()
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
	case forLivez:
		p.livezReply(who, c)
	case forRegistrationGet, forRegistrationGrant, forRegistration:
		p.registrationReply(who, why, c)
	case forKubectl:
		if c == late {
			p.note(ReadTimeout, "kubectl get nodes", causeLatency)
		}
		p.queue.Push(p.now+10*time.Second, evKubectl, 0, 0)
	case forBreaker, forNotReady, forNotReadyGet, forMarkPod:
		p.lifeReply(who, why, c)
	case forTaint:
		p.taintReply(who, c)
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
	case forScale:
		if c != ok {
			p.queue.Push(p.now+2*time.Second, evAction, who, 1)
		}
	}
}

func (p *plane) run() {
	for {
		at := p.queue.Next()
		from := 0
		for i, l := range [...]*vtime.Line{&p.patience10, &p.patience5, &p.etcdDeadline, &p.probes, &p.answers} {
			if t := l.Next(); t < at {
				at, from = t, i+1
			}
		}
		if t := p.store.next(); t <= at {
			if t > p.end {
				break
			}
			p.now = t
			p.store.step(t)
			continue
		}
		if at > p.end {
			break
		}
		var e vtime.Event
		switch from {
		case 0:
			e = p.queue.Pop()
		case 1:
			e = p.patience10.Pop()
		case 2:
			e = p.patience5.Pop()
		case 3:
			e = p.etcdDeadline.Pop()
		case 4:
			e = p.probes.Pop()
		case 5:
			e = p.answers.Pop()
		}
		p.now = e.At
		p.handle(e)
	}
	p.now = p.end
}

func (p *plane) current(e vtime.Event) bool {
	r := &p.requests[e.Who]
	return r.gen == e.Gen && r.stage != free
}

func (p *plane) handle(e vtime.Event) {
	i := e.Who
	switch e.Kind {
	case evAdmit:
		if p.current(e) {
			p.admit(i)
		}
	case evPatience:
		if p.current(e) {
			p.finish(i, gaveUp)
		}
	case evDeadline:
		if p.current(e) {
			p.finish(i, late)
		}
	case evEtcdDeadline:
		if p.current(e) && p.requests[i].stage == writing {
			p.finish(i, failed)
		}
	case evProbeOver:
		if p.current(e) {
			p.finish(i, failed)
		}
	case evAnswer:
		if p.current(e) {
			p.finish(i, ok)
		}
	case evLease:
		if e.Gen == p.kubelets[i].leaseGen {
			p.leaseRound(i)
		}
	case evLeaseRetry:
		if e.Gen == p.kubelets[i].leaseGen {
			p.leasePut(i)
		}
	case evLeaseGet:
		if e.Gen == p.kubelets[i].leaseGen {
			p.ask(forLeaseGet, i, 0)
		}
	case evStatus:
		if e.Gen == p.kubelets[i].statusGen {
			p.statusRound(i)
		}
	case evPods:
		p.podsRound(i)
	case evElectRenew, evElectTry, evElectDeadline, evElectStart:
		if e.Gen == p.electors[i].gen {
			p.electEvent(e.Kind, i)
		}
	case evLivez:
		p.livez(i)
	case evKubectl:
		p.ask(forKubectl, 0, 0)
	case evMonitor:
		if e.Gen == p.electors[controllers].process {
			p.monitor()
		}
	case evReplicas:
		if e.Gen == p.electors[controllers].process {
			p.syncReplicas()
		}
	case evEndpoints:
		if e.Gen == p.electors[controllers].process {
			p.writeEndpoints(i)
		}
	case evTaint:
		if e.Gen == p.electors[controllers].process {
			p.taint(i)
		}
	case evIdentity:
		p.identity(i)
	case evSchedule:
		p.schedule()
		p.queue.Push(p.now+time.Second, evSchedule, 0, 0)
	case evAction:
		p.act(i, e.Gen == 1)
	case evChurn:
		if e.Gen == p.churnGen {
			p.pods.Advance(p.now)
			p.schedule()
			p.pods.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted})
			p.queue.Push(p.now+p.churnEvery, evChurn, 0, e.Gen)
		}
	case evGrid:
		if p.onGrid != nil {
			p.onGrid()
		}
		p.queue.Push(p.now+p.s.Grid, evGrid, 0, 0)
	case evRevoke:
		p.revoke(uint32(i))
	case evSeats:
		p.borrowSeats()
		p.queue.Push(p.now+10*time.Second, evSeats, 0, 0)
	}
}

func (p *plane) electEvent(k uint16, i int32) {
	switch k {
	case evElectRenew:
		p.electRenew(i)
	case evElectTry:
		p.electTry(i)
	case evElectDeadline:
		p.electLost(i)
	case evElectStart:
		p.electStart(i)
	}
}

// livez is the liveness probe.
func (p *plane) livez(i int32) {
	if !p.servers[i].out && !p.servers[i].down {
		p.servers[i].out = true
		p.ask(forLivez, i, 0)
	}
	p.queue.Push(p.now+p.s.Livez.Period, evLivez, i, 0)
}

func (p *plane) livezReply(i int32, c code) {
	s := &p.servers[i]
	s.out = false
	if c == ok {
		s.fails = 0
		return
	}
	s.fails++
	if s.fails == p.s.Livez.Failures {
		s.fails = 0
		p.note(LivezKill, "kube-apiserver", causeLatency)
	}
}

// identity is the rest of an idle control plane: every 10 s an API server renews its identity Lease, and its registration
// among the API servers (masterleases; peerserverleases since 1.36), whose TTL of 15 s takes a fresh etcd lease each time:
// a quorum GET, a grant and a PUT, one after the other. The old lease is revoked when it expires, and a delete forces
// etcd's backend to commit at once, in the apply loop (batch_tx.go:335).
func (p *plane) identity(i int32) {
	p.bulk(forIdentity, 1)
	p.servers[i].registered = p.now
	p.ask(forRegistrationGet, i, 0)
}

func (p *plane) registrationReply(i int32, why purpose, c code) {
	switch {
	case why == forRegistrationGet && c == ok:
		p.ask(forRegistrationGrant, i, 0)
	case why == forRegistrationGrant && c == ok:
		p.ask(forRegistration, i, 0)
	default:
		p.queue.Push(max(p.now, p.servers[i].registered+10*time.Second), evIdentity, i, 0)
	}
}

// revoke proposes the end of an etcd lease, and does so again every 3 s until it is applied (lessor.go,
// expiredLeaseRetryInterval).
func (p *plane) revoke(lease uint32) {
	if p.quiet || p.revoked[lease&(maxGrants-1)] == lease {
		return
	}
	k := p.newOrphan(purposes)
	p.proposals[k].version = lease
	p.store.propose(p.now, k)
	p.queue.Push(p.now+3*time.Second, evRevoke, int32(lease), 0)
}

// maxGrants is how many etcd leases may wait for their revocation at a time; a power of two.
const maxGrants = 64

func (p *plane) act(i int32, again bool) {
	a := &p.s.Actions[i]
	switch a.Do {
	case Scale:
		p.ask(forScale, i, 0)
		p.setReplicas(a.N)
	case Delay:
		p.store.delay = a.For
	case Silence:
		for i := range p.kubelets {
			k := &p.kubelets[i]
			k.silent = true
			k.leaseGen++
			k.statusGen++
		}
	case Awake:
		for i := range p.kubelets {
			k := &p.kubelets[i]
			k.silent, k.statusOut, k.patching = false, false, false
			start := p.now + time.Duration(p.kubeletDraws.Float()*float64(10*time.Second))
			k.again, k.ensured = false, true
			k.statusPhase = start
			k.sleep = 100 * time.Millisecond
			p.queue.Push(start, evLeaseGet, int32(i), k.leaseGen)
			k.statusGen++
			k.reported = -statusReport
			p.queue.Push(start, evStatus, int32(i), k.statusGen)
			p.podsWake(int32(i))
		}
	case Churn:
		p.churnGen++
		p.churnEvery = a.For
		if a.For > 0 {
			p.queue.Push(p.now+a.For, evChurn, 0, p.churnGen)
		}
	}
}

func (p *plane) messageChanged() {
	p.message++
	by := retry.ByFit
	if p.life.notReady > 0 {
		by |= retry.ByTaint
	}
	p.pods.SetMessage(p.life.notReady, by)
}

func (p *plane) borrowSeats() {}
func (p *plane) firstNotReady() {}
func (p *plane) becameLeader(i int32) {}
func (p *plane) lostLeader(i int32) {}
func (p *plane) serveQuiet(i int32) { panic("quiet") }
func (p *plane) nodeName(i int32) string { return "node" }

type cause string
type EventKind string
const (
	LeaderLost EventKind = "leader lost"
	LeaderAcquired EventKind = "leader acquired"
	NodeNotReady EventKind = "node not ready"
	NodeReady EventKind = "node ready"
	LivezKill EventKind = "livez kill"
	ReadTimeout EventKind = "read timeout"
)
const (
	causeLatency cause = "latency"
	causeRecovery cause = "recovery"
)
func (p *plane) blame() cause { return causeLatency }
func (p *plane) note(k EventKind, who string, c cause) {
	if p.notes != nil { p.notes(p.now, k, who, c) }
}

func newPlane(s *Scenario) *plane {
	p := &plane{s: s, end: s.Length}
	p.kubeletDraws.Reset(s.Seed, "kubelet")
	p.electionDraws.Reset(s.Seed, "election")
	p.store = store{sink: p, base: s.Etcd.Fsync, batch: 100 * time.Millisecond}
	p.breaker = s.LeaseCircuitBreaker >= 0
	nominal := [lanes]int{98, 74, 98, 25, 245, 49, 13, 0}
	p.servers = make([]server, s.Servers)
	for i := range p.servers {
		for l := range p.servers[i].lanes {
			p.servers[i].lanes[l].limit = nominal[l]
		}
	}
	p.kubelets = make([]kubelet, s.Nodes)
	p.nodes = make([]node, s.Nodes)
	p.kubeletLimits = make([]limiter, s.Nodes)
	p.life.limit = newLimiter(20, 30)
	p.rs.limit = newLimiter(20, 30)
	p.rs.want, p.rs.have, p.rs.quota = s.Workload.Replicas, s.Workload.Replicas, s.Workload.Quota
	p.running = s.Workload.Replicas
	p.writers = [2]endpointsWriter{{limit: newLimiter(20, 30), why: forSlice}, {limit: newLimiter(20, 30), why: forEndpoints}}
	q, err := retry.NewQueue(retry.Config{Version: s.Version})
	if err != nil {
		panic(err)
	}
	p.pods = q
	for i := range p.nodes {
		n := &p.nodes[i]
		n.pods = int32(s.OtherPods)
		if i < s.Workload.Replicas {
			n.serving = 1
			n.pods++
		}
		p.kubeletLimits[i] = newLimiter(50, 100)
		k := &p.kubelets[i]
		k.due = time.Duration(p.kubeletDraws.Float() * float64(s.Leases.Renew))
		p.queue.Push(k.due, evLease, int32(i), 0)
		k.statusPhase = time.Duration(p.kubeletDraws.Float() * float64(statusPeriod))
		k.reported = -time.Duration(p.kubeletDraws.Float() * float64(statusReport))
		if s.Uptime > 0 {
			k.reported = -s.Uptime + k.statusPhase
		}
		p.statusWake(int32(i), k.reported+statusReport)
	}
	for i := range p.electors {
		e := &p.electors[i]
		e.alive, e.leading, e.working, e.valid = true, true, true, 0
		p.queue.Push(time.Duration(p.electionDraws.Float()*2e9), evElectRenew, int32(i), 0)
	}
	for i := range p.servers {
		p.queue.Push(time.Duration(p.electionDraws.Float()*10e9), evLivez, int32(i), 0)
		p.queue.Push(time.Duration(p.electionDraws.Float()*10e9), evIdentity, int32(i), 0)
	}
	p.queue.Push(time.Duration(p.electionDraws.Float()*10e9), evKubectl, 0, 0)
	p.queue.Push(time.Duration(p.electionDraws.Float()*5e9), evMonitor, 0, 0)
	p.queue.Push(0, evSchedule, 0, 0)
	p.queue.Push(0, evGrid, 0, 0)
	for i, a := range s.Actions {
		p.queue.Push(a.At, evAction, int32(i), 0)
	}
	return p
}
