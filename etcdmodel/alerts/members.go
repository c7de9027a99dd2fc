package alerts

import (
	"fmt"
	"math"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// heartbeats adds the rule about heartbeats that the leader sends late. They fail when the
// leader's loop stalls for two heartbeat intervals (server/etcdserver/raft.go:384). Elections
// begin when it stalls for the election timeout.
func (s *Set) heartbeats(c etcdmodel.Cluster, p etcdmodel.Prediction) {
	normal := p.HeartbeatsLate * float64(c.Members-1) * window.Seconds()
	threshold := math.Ceil(max(2, 3*normal))
	lead := time.Duration(float64(s.options.Climb) * math.Log2(float64(c.Election)/float64(2*c.Heartbeat)))
	lead = max(0, lead-holdFor-delay)
	if p.Elections > 0 {
		s.warn("elections are predicted at %.1f an hour for this load: EtcdHeartbeatsLate keeps no lead", p.Elections)
		lead = 0
	}
	late := fmt.Sprintf("increase(%s[%s])",
		s.metric("etcd_server_heartbeat_send_failures_total"), promDuration(window))
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdHeartbeatsLate", Severity: "warning", For: holdFor,
		Expr:      fmt.Sprintf("%s > %.0f", s.each("max", late), threshold),
		Threshold: threshold, Normal: normal, Limit: math.Inf(1), Lead: lead,
		Summary: "The etcd leader sends heartbeats late: its disk or its processor holds it up, and an election is next.",
		Why: fmt.Sprintf("three times the predicted, at least two; "+
			"heartbeats fail when the leader stalls for %v, elections begin at about %v",
			2*c.Heartbeat, c.Election),
	})
}

// members adds the rules about members, leader and elections. They count the members that answer
// and report has_leader, so that a member which is gone from service discovery is missed, too: the
// series `up` then has no zero.
func (s *Set) members(c etcdmodel.Cluster, p etcdmodel.Prediction) {
	leader := s.metric("etcd_server_has_leader")
	quorum := c.Members/2 + 1
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdNoLeader", Severity: "critical", For: time.Minute, Mixin: "etcdNoLeader", alike: true,
		Expr: s.each("min", leader) + " == 0", Normal: 1,
		Summary: "An etcd member has no leader: it answers no write and no linearizable read.",
		Why:     "an election takes one to two election timeouts; a minute is past any that succeeds",
	}, Rule{
		Name: "EtcdInsufficientMembers", Severity: "critical", For: 3 * time.Minute,
		Mixin: "etcdInsufficientMembers", alike: true,
		Expr: fmt.Sprintf("%s < %d or absent(%s)",
			s.whole("sum", s.each("max", leader)), quorum, leader),
		Threshold: float64(quorum), Normal: float64(c.Members), Limit: float64(quorum),
		Summary: "Fewer etcd members than a quorum answer and have a leader.",
		Why:     fmt.Sprintf("%d of %d members are a quorum", quorum, c.Members),
	})
	if c.Members > 1 {
		s.Rules = append(s.Rules, Rule{
			Name: "EtcdMembersDown", Severity: "warning", For: 10 * time.Minute, Mixin: "etcdMembersDown", alike: true,
			Expr:      fmt.Sprintf("%s < %d", s.whole("count", s.each("max", leader)), c.Members),
			Threshold: float64(c.Members), Normal: float64(c.Members), Limit: float64(quorum),
			Summary: "An etcd member does not answer; the cluster has that much less to lose.",
			Why:     fmt.Sprintf("the cluster has %d members; a restart takes less than ten minutes", c.Members),
		}, s.leaderChanges(p))
	}
}

// leaderChanges fires at three changes in a quarter of an hour, one fewer than etcd-mixin, or at
// three times the predicted. A cluster that is upgraded member by member changes its leader once or
// twice.
func (s *Set) leaderChanges(p etcdmodel.Prediction) Rule {
	normal := p.Elections / 4
	threshold := math.Ceil(max(2, 3*normal))
	changes := fmt.Sprintf("increase(%s[15m])", s.metric("etcd_server_leader_changes_seen_total"))
	return Rule{
		Name: "EtcdLeaderChanges", Severity: "warning", For: holdFor, Mixin: "etcdHighNumberOfLeaderChanges",
		Expr:      fmt.Sprintf("%s > %.0f", s.whole("max", changes), threshold),
		Threshold: threshold, Normal: normal, Limit: math.Inf(1),
		Summary: "The etcd cluster changes its leader again and again; each election stops all writes for a second or more.",
		Why:     "three times the elections predicted for this load, at least two, in a quarter of an hour",
	}
}

// peers adds the rule about the round trip between members. etcd asks for an election timeout of
// ten round trips at least (etcd.io/docs: tuning, time parameters), so trouble begins at a tenth of
// it. The threshold is a bucket's bound of the histogram: 0.1 ms, doubling
// (server/etcdserver/api/rafthttp/metrics.go:177).
func (s *Set) peers(c etcdmodel.Cluster) {
	limit := c.Election / 10
	bound := 100 * time.Microsecond
	for 2*bound <= limit*3/4 {
		bound *= 2
	}
	if bound < c.RTT {
		s.warn("a round trip of %v between members is a tenth of the election timeout of %v: no threshold for it",
			c.RTT, c.Election)
		return
	}
	rate := fmt.Sprintf("rate(%s[%s])", s.metric("etcd_network_peer_round_trip_time_seconds_bucket"), promDuration(window))
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdPeersSlow", Severity: "warning", For: holdFor, Mixin: "etcdMemberCommunicationSlow",
		Expr:      fmt.Sprintf("histogram_quantile(0.99, %s) > %g", s.each("sum", rate), bound.Seconds()),
		Threshold: bound.Seconds(), Normal: c.RTT.Seconds(), Limit: limit.Seconds(),
		Summary: "The round trip between etcd members is too long for the election timeout.",
		Why: fmt.Sprintf("etcd wants an election timeout (%v) of ten round trips; the threshold is a bucket's bound below",
			c.Election),
	})
}
