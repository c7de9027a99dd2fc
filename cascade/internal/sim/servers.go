package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// server is a kube-apiserver: its priority levels, its liveness probe, its restarts.
type server struct {
	levels     [levels]seats
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

// servers are the API servers.
type servers struct {
	*cluster
	list []server
}

func (sv *servers) start(c *cluster) {
	sv.cluster, sv.list = c, make([]server, c.s.Servers)
	for i := range sv.list {
		sv.list[i].openLanes()
	}
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

// serverFor is the API server that a request goes to: a kubelet's own unless that is down and another is not.
func (sv *servers) serverFor(why purpose, who int32) int32 {
	n, at := int32(len(sv.list)), int32(0)
	switch sv.rows[why].asker {
	case aServer:
		return who
	case aKubelet:
		if n > 1 {
			at = who % n
		}
	}
	if !sv.list[at].down {
		return at
	}
	for i := range sv.list[at:] {
		if i := at + int32(i); !sv.list[i].down {
			return i
		}
	}
	for i := range at {
		if !sv.list[i].down {
			return i
		}
	}
	return at
}

// livez is the kubelet's liveness probe: every 10 s, 15 s of patience; the server's own check of etcd takes 2 s at most.
func (sv *servers) livez(i int32) {
	s := &sv.list[i]
	if !s.out && !s.down {
		s.out = true
		sv.ask(forLivez, i, 0)
	}
	sv.at(sv.now+sv.s.Livez.Period, evLivez, i, sv.calm.periodic)
}

func (sv *servers) livezReply(i int32, c code) {
	s := &sv.list[i]
	s.out = false
	if c == ok {
		s.fails = 0
		return
	}
	if s.fails++; s.fails == 1 {
		sv.note(story.LivezFails, "kube-apiserver", story.L3)
	}
	if s.fails < sv.s.Livez.Failures {
		return
	}
	s.fails = 0
	sv.note(story.ServerKilled, "kube-apiserver", story.L3)
	if !sv.s.Observe {
		sv.kill(i)
	}
}

// killServer drops every connection and starts the process anew.
func (sv *servers) kill(i int32) {
	s := &sv.list[i]
	s.down, s.out = true, false
	s.restarts++
	s.counting++
	for k := range sv.requests {
		if r := &sv.requests[k]; r.stage != free && r.stage != throttled && r.server == i {
			sv.at(sv.now, evDrop, int32(k), r.gen)
		}
	}
	s.bootBegan = sv.now
	sv.at(sv.now+bootTime, evBoot, i, 0)
}

func (sv *servers) boot(i int32) {
	s := &sv.list[i]
	s.booting, s.bootBegan = bootOps, sv.now-bootTime
	sv.ask(forBoot, i, 0)
}

func (sv *servers) bootReply(i int32, c code) {
	s := &sv.list[i]
	if sv.now-s.bootBegan > bootLimit {
		sv.note(story.ServerExits, "kube-apiserver", story.L3)
		sv.at(sv.now+crashLoop(s.restarts)+bootTime, evBoot, i, 0)
		s.restarts++
		return
	}
	if c == ok {
		s.booting--
	}
	if s.booting > 0 {
		if c == ok {
			sv.ask(forBoot, i, 0)
		} else {
			sv.at(sv.now+time.Second, evBootMore, i, 0)
		}
		return
	}
	s.down = false
	sv.startCounts(i, true)
	sv.kubelets.unpark()
	if sv.proxies.behind {
		sv.proxies.update()
	}
	sv.note(story.ServerReady, "kube-apiserver", story.ByRecovery)
}

// identity is the rest of an idle control plane: every 10 s an API server renews its identity Lease, and its registration
// among the API servers (masterleases; also peerserverleases in v1.37), whose TTL of 15 s takes a fresh etcd lease each
// time: a quorum GET, a grant and a PUT, one after the other. The old lease is revoked when it expires, and a pending
// delete forces etcd's backend to commit at once, in the apply loop (batch_tx.go:335, since 3.5.12). A grant that times out
// is repeated by etcd's client library, and still commits: on a slow disk leases pile up, and with them the forced commits
// of two fsyncs each for which everything waits.
func (sv *servers) identity(i int32) {
	s := &sv.list[i]
	s.registered = sv.now
	if s.down {
		sv.at(sv.now+identityPeriod, evIdentity, i, sv.calm.periodic)
		return
	}
	sv.bulk(forIdentity, 1)
	sv.ask(forRegistrationGet, i, 0)
}

func (sv *servers) registrationReply(i int32, why purpose, c code) {
	switch {
	case why == forRegistrationGet && c == ok, why == forRegistration && c == conflict: // GuaranteedUpdate asks for another lease, too
		sv.list[i].seen = sv.list[i].record
		sv.ask(forRegistrationGrant, i, 0)
	case why == forRegistrationGrant && c == failed: // etcd's client library repeats a grant (client/v3/retry.go:143)
		sv.ask(forRegistrationGrant, i, 0)
	case why == forRegistrationGrant && c == ok:
		sv.ask(forRegistration, i, sv.list[i].seen)
	default:
		sv.at(max(sv.now, sv.list[i].registered+identityPeriod), evIdentity, i, sv.calm.periodic)
	}
}
