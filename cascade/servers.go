package cascade

import "time"

// server is a kube-apiserver: its priority levels, its liveness probe, its restarts.
type server struct {
	lanes      [lanes]seats
	down       bool
	out        bool // a probe is out
	fails      int
	registered time.Duration
	owed       float64
	booting    int // etcd operations still to do
	bootBegan  time.Duration
	restarts   int
	counting   uint32 // of its counts: others in the queue are void

	record   uint32 // version of its registration
	seen     uint32 // the one that it knows
	attached int32  // the etcd lease that its registration lives as long as
	lease    int32  // the last granted to it
}

const (
	identityPeriod = 10 * time.Second
	kubectlPeriod  = 10 * time.Second
	seatsPeriod    = 10 * time.Second

	// A restarted API server needs about 5 s and then some etcd operations one after the other (bootOps: from the 21 s it
	// took at D = 1 s in the replays, less 5 s, at 2.3 s each); a start-up hook gives up after a minute.
	bootTime  = 5 * time.Second
	bootOps   = 7
	bootLimit = 60 * time.Second
)

// levels are the priority levels of flowcontrol's bootstrap configuration: shares of 600 in 245, how much of it may be lent.
var levels = [lanes]struct {
	share    int
	lendable float64
}{
	nodeHigh: {40, 0.25}, system: {30, 0.33}, workloadHigh: {40, 0.5}, leaderElection: {10, 0},
	workloadLow: {100, 0.9}, globalDefault: {20, 0.5}, catchAll: {5, 0}, exempt: {0, 0},
}

const totalSeats, totalShares = 600, 245

func (s *server) openLanes() {
	for i := range s.lanes {
		n := (totalSeats*levels[i].share + totalShares - 1) / totalShares
		s.lanes[i] = seats{limit: n, nominal: n, min: n - int(levels[i].lendable*float64(n)+0.5)}
	}
}

// borrowSeats is apf_controller.go's adjustment every 10 s: each level aims at the most it wanted lately, which decays
// slowly; the total of 600 is shared so that all get the same multiple of their aims, within their limits.
func (p *plane) borrowSeats() {
	const decay = 0.977
	for i := range p.servers {
		s := &p.servers[i]
		if !s.pressed() {
			continue
		}
		var aim [lanes]float64
		for k := range s.lanes[:exempt] {
			l := &s.lanes[k]
			l.smooth = max(float64(l.high), decay*l.smooth+(1-decay)*float64(l.high))
			aim[k] = max(float64(l.min), l.smooth, 1)
			l.high = l.used + l.waiting
		}
		f := s.multiple(&aim)
		for k := range s.lanes[:exempt] {
			l := &s.lanes[k]
			l.limit = int(min(max(f*aim[k], float64(l.min)), totalSeats))
			if l.waiting > 0 {
				p.fillSeats(int32(i), lane(k))
			}
		}
	}
}

// multiple is how many times its aim each level gets if none gets less than its least and all together get what there is. Levels whose share
// falls below their least leave the sharing with that; what they leave lowers the multiple, so that this ends.
func (s *server) multiple(aim *[lanes]float64) float64 {
	var out [lanes]bool
	for {
		seats, aims := float64(totalSeats), 0.0
		for k := range s.lanes[:exempt] {
			if out[k] {
				seats -= float64(s.lanes[k].min)
			} else {
				aims += aim[k]
			}
		}
		f, again := max(0, seats)/max(aims, 1), false
		for k := range s.lanes[:exempt] {
			if !out[k] && f*aim[k] < float64(s.lanes[k].min) {
				out[k], again = true, true
			}
		}
		if !again {
			return f
		}
	}
}

// pressed tells whether some level wanted more seats than it has: else its limit makes no difference.
func (s *server) pressed() bool {
	for k := range s.lanes[:exempt] {
		if l := &s.lanes[k]; l.high > l.limit || l.limit > l.nominal {
			return true
		}
	}
	return false
}

// serverFor is the API server that a request goes to: a kubelet's own unless that is down and another is not.
func (p *plane) serverFor(why purpose, who int32) int32 {
	n, at := int32(len(p.servers)), int32(0)
	switch askerOf[why] {
	case aServer:
		return who
	case aKubelet:
		if n > 1 {
			at = who % n
		}
	}
	if !p.servers[at].down {
		return at
	}
	for i := range p.servers[at:] {
		if i := at + int32(i); !p.servers[i].down {
			return i
		}
	}
	for i := range at {
		if !p.servers[i].down {
			return i
		}
	}
	return at
}

// livez is the kubelet's liveness probe: every 10 s, 15 s of patience; the server's own check of etcd takes 2 s at most.
func (p *plane) livez(i int32) {
	s := &p.servers[i]
	if !s.out && !s.down {
		s.out = true
		p.ask(forLivez, i, 0)
	}
	p.queue.Push(p.now+p.s.Livez.Period, evLivez, i, p.periodic)
}

func (p *plane) livezReply(i int32, c code) {
	s := &p.servers[i]
	s.out = false
	if c == ok {
		s.fails = 0
		return
	}
	if s.fails++; s.fails == 1 {
		p.note(LivezFails, "kube-apiserver", L3)
	}
	if s.fails < p.s.Livez.Failures {
		return
	}
	s.fails = 0
	p.note(ServerKilled, "kube-apiserver", L3)
	if !p.observe {
		p.killServer(i)
	}
}

// killServer drops every connection and starts the process anew.
func (p *plane) killServer(i int32) {
	s := &p.servers[i]
	s.down, s.out = true, false
	s.restarts++
	s.counting++
	for k := range p.requests {
		if r := &p.requests[k]; r.stage != free && r.stage != throttled && r.server == i {
			p.queue.Push(p.now, evDrop, int32(k), r.gen)
		}
	}
	s.bootBegan = p.now
	p.queue.Push(p.now+bootTime, evBoot, i, 0)
}

func (p *plane) boot(i int32) {
	s := &p.servers[i]
	s.booting, s.bootBegan = bootOps, p.now-bootTime
	p.ask(forBoot, i, 0)
}

func (p *plane) bootReply(i int32, c code) {
	s := &p.servers[i]
	if p.now-s.bootBegan > bootLimit {
		p.note(ServerExits, "kube-apiserver", L3)
		p.queue.Push(p.now+p.crashLoop(s.restarts)+bootTime, evBoot, i, 0)
		s.restarts++
		return
	}
	if c == ok {
		s.booting--
	}
	if s.booting > 0 {
		if c == ok {
			p.ask(forBoot, i, 0)
		} else {
			p.queue.Push(p.now+time.Second, evBootMore, i, 0)
		}
		return
	}
	s.down = false
	p.startCounts(i, true)
	p.unpark()
	if p.rules.behind {
		p.proxyUpdate()
	}
	p.note(ServerReady, "kube-apiserver", ByRecovery)
}

// identity is the rest of an idle control plane: every 10 s an API server renews its identity Lease, and its registration
// among the API servers (masterleases; also peerserverleases in v1.37), whose TTL of 15 s takes a fresh etcd lease each
// time: a quorum GET, a grant and a PUT, one after the other. The old lease is revoked when it expires, and a pending
// delete forces etcd's backend to commit at once, in the apply loop (batch_tx.go:335, since 3.5.12). A grant that times out
// is repeated by etcd's client library, and still commits: on a slow disk leases pile up, and with them the forced commits
// of two fsyncs each for which everything waits.
func (p *plane) identity(i int32) {
	s := &p.servers[i]
	s.registered = p.now
	if s.down {
		p.queue.Push(p.now+identityPeriod, evIdentity, i, p.periodic)
		return
	}
	p.bulk(forIdentity, 1)
	p.ask(forRegistrationGet, i, 0)
}

func (p *plane) registrationReply(i int32, why purpose, c code) {
	switch {
	case why == forRegistrationGet && c == ok, why == forRegistration && c == conflict: // GuaranteedUpdate asks for another lease, too
		p.servers[i].seen = p.servers[i].record
		p.ask(forRegistrationGrant, i, 0)
	case why == forRegistrationGrant && c == failed: // etcd's client library repeats a grant (client/v3/retry.go:143)
		p.ask(forRegistrationGrant, i, 0)
	case why == forRegistrationGrant && c == ok:
		p.ask(forRegistration, i, p.servers[i].seen)
	default:
		p.queue.Push(max(p.now, p.servers[i].registered+identityPeriod), evIdentity, i, p.periodic)
	}
}
