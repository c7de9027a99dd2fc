package incident8829

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/etcdmodel"
)

// dbSize judges the size of etcd's file at the end of the run.
func dbSize(r *judged) Observable {
	const reported = 1.2e9
	o := found(float64(r.t.DB) >= reported, fmt.Sprintf("%.0f MB at the end, %.0f MB of revisions written",
		float64(r.t.DB)/1e6, float64(r.t.DBGrowth)/1e6), "the db began so large, or grew to it")
	if o.Verdict == NotHere {
		o.Why = "what this run writes is less: an old high-water mark explains it (etcd gives no space back without " +
			"a defragmentation), or compactions that fail for hours"
	}
	return o
}

// raftIndex judges the raft index: etcd counts every proposal since it was made. Package etcdmodel
// says how many an idle cluster of this size commits a day.
func raftIndex(r *judged) Observable {
	const reported, days = 4_502_103, 112
	aDay, err := r.restingEntries()
	if err != nil {
		return unknown(err)
	}
	o := Observable{Here: fmt.Sprintf("%d proposals in this run, %.0f a day at rest", r.t.Proposals, aDay)}
	if aDay*days <= reported {
		o.Verdict = Partly
		o.Why = fmt.Sprintf("possible: at rest the index grows by %.0f in %d days, and other writes may do the rest",
			aDay*days, days)
		return o
	}
	o.Verdict = Impossible
	o.Why = fmt.Sprintf("an idle cluster of %d nodes passes it in %.1f days: etcd was restored or rebuilt that long ago",
		r.s.Nodes, reported/aDay)
	return o
}

// restingEntries returns how many entries the raft log grows by in a day in which nothing happens.
// These are node Leases, status reports, leader leases, and the API servers' own leases and
// registrations. All of them are written whatever else goes on, unless Leases have their own etcd.
func (r *judged) restingEntries() (float64, error) {
	s := &r.s
	update := etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 45, Value: 525}
	stream := func(name string, rate float64) etcdmodel.Stream {
		return etcdmodel.Stream{Name: name, Op: update, Keys: s.Nodes, Rate: rate}
	}
	etcd := etcdmodel.Cluster{
		Version: s.Etcd.Version, Members: s.Etcd.Members, Disks: []etcdmodel.Disk{etcdmodel.FixedDisk(s.Etcd.Fsync)},
	}
	streams := []etcdmodel.Stream{
		stream("node status", float64(s.Nodes)/(5*time.Minute).Seconds()),
		stream("API servers", 3*float64(s.Servers)/(10*time.Second).Seconds()), // identity, grant, registration
	}
	if !s.Etcd.SeparateLeases {
		streams = append(streams,
			stream("node leases", float64(s.Nodes)/(1.02*s.Leases.Renew.Seconds())), // up to 4 % of jitter
			stream("leader leases", 2/s.Elections.Retry.Seconds()))
	}
	p, err := etcdmodel.Estimate(etcd, etcdmodel.Load{Streams: streams})
	if err != nil {
		return 0, fmt.Errorf("cascade: incident8829: the rate at rest: %w", err)
	}
	return p.Throughput * (24 * time.Hour).Seconds(), nil
}

// raftTerm judges the raft term by the elections of etcd in the run.
func raftTerm(r *judged) Observable {
	const reported = 12
	members, elections := plural(r.s.Etcd.Members, "member", "members"), plural(r.t.Term, "election", "elections")
	o := Observable{Here: members + ", " + elections}
	switch {
	case r.t.Term >= reported:
		o.Verdict, o.Why = Reproduced, "elections during the run alone give the term"
	case r.t.Term > 0:
		o.Verdict, o.Why = Partly, "the term counts all elections since etcd was made; some were in this run"
	case r.s.Etcd.Members == 1:
		o.Verdict = NotHere
		o.Why = "one member stands for those whose disks are all as slow, of which none can be elected away"
	default:
		o.Verdict, o.Why = NotHere, "no member lost its leadership; members whose disks stall together elect nobody"
	}
	return o
}

// readTimeout judges the timeout of kubectl get: a 504 is the API server's own after 60 s.
func readTimeout(r *judged) Observable {
	o := Observable{Here: fmt.Sprintf("%s ran into the 60 s limit, API servers were killed %s",
		plural(r.t.ReadTimeouts, "read", "reads"), plural(r.t.ServerKills, "time", "times"))}
	switch {
	case r.t.ReadTimeouts > 0:
		o.Verdict, o.Why = Reproduced, "the literal 504 of a read that etcd did not answer in 60 s"
	case r.t.ServerKills > 0:
		o.Verdict = Partly
		o.Why = "kubectl gets no answer either, but in other words: the liveness probe kills the API servers before " +
			"a read is 60 s old"
	default:
		o.Verdict, o.Why = NotHere, "every read was answered in time"
	}
	return o
}

// nodesNotReady judges whether all nodes but one went NotReady, by the causes that the story names.
func nodesNotReady(r *judged) Observable {
	o := Observable{Here: fmt.Sprintf("%d of %d NotReady at most", r.t.PeakNotReady, r.s.Nodes)}
	switch {
	case r.t.PeakNotReady >= r.s.Nodes-1 && r.t.PeakNotReady > 0:
		o.Verdict = Reproduced
	case r.t.PeakNotReady > 0:
		o.Verdict = Partly
	default:
		o.Verdict = NotHere
	}
	causes := r.causes(story.NodeNotReady)
	switch {
	case len(causes) > 0:
		o.Why = "they went NotReady by: " + strings.Join(causes, ", ")
	case r.t.LeaderLosses > 0:
		o.Why = "no node was marked, and leader leases were lost: a controller manager without its lease exits, " +
			"and then no one marks a node (5 s of client patience against 7 s of etcd's)"
	default:
		o.Why = "every Lease was renewed within the grace period"
	}
	return o
}

// causes returns the causes of the events of a kind, each once, in order of time.
func (r *judged) causes(k story.Kind) []string {
	var out []string
	for _, e := range r.Timeline {
		if e.Kind == k && !slices.Contains(out, string(e.Cause)) {
			out = append(out, string(e.Cause))
		}
	}
	return out
}

// pleg judges whether a kubelet found its container runtime hanging.
func pleg(r *judged) Observable {
	return found(r.t.PLEGFails > 0, plural(r.t.PLEGFails, "time", "times"),
		"a relist has to take more than 3 minutes: a runtime's trouble of its own; pods that are on no node burden "+
			"no node's runtime")
}

// twoHours judges the length of the outage.
func twoHours(r *judged) Observable {
	v := r.Verdict
	o := found(v.Down >= time.Hour, fmt.Sprintf("degraded after %s, down for %s, impaired for %s",
		seconds(v.Degraded), seconds(v.Down), seconds(v.Impaired)), "nothing pushed the cluster")
	switch begin, end := r.s.Trigger(); {
	case begin >= 0 && end >= 0:
		o.Why = fmt.Sprintf("what pushed it (a slow disk, silence, hanging runtimes, power) lasted %s", seconds(end-begin))
	case begin >= 0:
		o.Why = "what pushed it (a slow disk, silence, hanging runtimes, power) did not end within the run"
	}
	return o
}

// killingHelped judges whether lease renewals came back with a new etcd leader, while the disks
// were as they had been before.
func killingHelped(r *judged) Observable {
	killed, any := r.has(story.MemberKilled)
	if !any {
		return Observable{
			Here: fmt.Sprintf("no member was killed; recovered %s after the trigger's end", seconds(r.Verdict.Recovered)),
			Why: "nothing to judge: the report's scenario ends the delay of the disks where the report kills the members, " +
				"since a kill cannot help where all disks are as slow",
			Verdict: NotHere,
		}
	}
	const window = time.Minute
	before, after := r.renewing(killed-window, killed), r.renewing(killed+window/2, killed+window+window/2)
	o := Observable{Verdict: NotHere, Here: fmt.Sprintf("%.0f %% of the leases that were due were renewed "+
		"in the minute before, %.0f %% in a minute after", 100*before, 100*after)}
	switch {
	case before >= 0.5:
		o.Why = "leases were renewed before, too"
	case after < 0.5:
		o.Why = "leases were not renewed with the new leader either"
	case r.between(story.DiskFast, killed, killed+window+window/2):
		o.Why = "a disk became fast again in the same minute"
	default:
		o.Verdict, o.Why = Reproduced, "the disks were as before, and with the new leader leases are renewed"
	}
	return o
}

// between reports whether an event of the kind lies in a span of time.
func (r *judged) between(k story.Kind, from, to time.Duration) bool {
	return slices.ContainsFunc(r.Timeline, func(e story.Event) bool { return e.Kind == k && e.At >= from && e.At <= to })
}

// renewing returns the share of the node Leases that are due which are renewed in a span of time.
func (r *judged) renewing(from, to time.Duration) float64 {
	due := float64(r.s.Nodes) / (1.02 * r.s.Leases.Renew.Seconds())
	sum, n := 0.0, 0
	for i, v := range r.Values("lease renewals") {
		if at := time.Duration(i+1) * r.Grid; at > from && at <= to {
			sum, n = sum+v, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n) / due
}
