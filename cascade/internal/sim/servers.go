package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// servers have the state of every API server.
type servers struct {
	*cluster
	list []server
}

// server is a kube-apiserver: its priority levels, its liveness probe, its restarts, its
// registration among the API servers.
type server struct {
	levels [levels]seats

	// Its liveness probe and its restarts.
	down      bool
	out       bool // a probe is out
	fails     int  // probes that failed in a row
	restarts  int
	bootBegan time.Duration
	booting   int // etcd operations still to do

	counting uint32 // generation of its counts of objects

	// Its registration.
	registered time.Duration // when the last round began
	owed       float64       // rounds that are due while they are only counted
	record     uint32        // stored version of the registration
	seen       uint32        // version that it knows
	attached   int32         // etcd lease whose end deletes the registration; 0: none
	lease      int32         // etcd lease granted to it last
}

const (
	identityPeriod = 10 * time.Second // between two rounds of a server's registration
	kubectlPeriod  = 10 * time.Second // between two reads of the onlooker
	seatsPeriod    = 10 * time.Second // between two adjustments of the levels

	// A restarted API server needs bootTime, then bootOps etcd operations one after the other. The
	// replays took 21 s at D = 1 s (validation/RESULTS/cascade.md); less 5 s, at 2.3 s each, gives
	// bootOps. A start-up hook gives up after bootLimit.
	bootTime  = 5 * time.Second
	bootOps   = 7
	bootLimit = 60 * time.Second
)

// start opens the priority levels of every server.
func (sv *servers) start(c *cluster) {
	sv.cluster, sv.list = c, make([]server, c.s.Servers)
	for i := range sv.list {
		sv.list[i].openLevels()
	}
}

// serverFor returns the API server that a request goes to. Kubelets are spread over the servers,
// and everybody else asks the first. If that server is down, the next that is up gets the request.
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

// none reports whether every API server is down.
func (sv *servers) none() bool {
	for i := range sv.list {
		if !sv.list[i].down {
			return false
		}
	}
	return true
}

// livez sends the kubelet's liveness probe. It comes every 10 s by default and waits 15 s. The
// server's own check of etcd takes 2 s at most.
func (sv *servers) livez(i int32) {
	s := &sv.list[i]
	if !s.out && !s.down {
		s.out = true
		sv.ask(forLivez, i, 0)
	}
	sv.at(sv.now+sv.s.Livez.Period, evLivez, i, sv.calm.periodic)
}

// livezReply counts failed probes, and kills the server at the last one that it may fail.
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

// kill drops every connection of a server and starts its process anew.
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

// boot begins the etcd operations of a server's start.
func (sv *servers) boot(i int32) {
	s := &sv.list[i]
	s.booting, s.bootBegan = bootOps, sv.now-bootTime
	sv.ask(forBoot, i, 0)
}

// bootReply goes on with the start. A start that takes longer than bootLimit ends in a crash loop.
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
