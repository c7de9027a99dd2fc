package sim

import (
	"slices"
	"time"

	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/etcdmodel"
)

// etcd is the cluster's [etcdmodel.Server] as the API servers meet it: requests are submitted one by one at the instant they
// are made, and every end comes back at its own. While the control plane is quiet its time stands still.
type etcd struct {
	*cluster
	server *etcdmodel.Server
	step   *etcdmodel.Step // the server's: its last
	seen   int             // of step.Done
	began  time.Duration   // when etcd came to apply the write that is delivered
	skip   time.Duration   // quiet time that the server did not see
	delays []time.Duration
	base   time.Duration

	term int

	rested []float64 // writes of each class that were counted and have not reached the db
}

// Classes of requests. Sizes are those of kube-apiserver's objects: facts/etcd.md.
type class uint8

const (
	classLease class = iota
	classNode
	classPod
	classEvent
	classOther
	classGrant
	classRevoke
	classNothing // a lease revoked for the second time
	classRead
	classIndex // a revoke's question whether etcd still leads
)

var classes = []etcdmodel.Stream{
	classLease:   {Name: "leases", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 45, Value: 525}, Keys: 100},
	classNode:    {Name: "nodes", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 30, Value: 2715}, Keys: 100},
	classPod:     {Name: "pods", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 55, Value: 2167}, Keys: 1000},
	classEvent:   {Name: "events", Op: etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: 75, Value: 834, Lease: true}, TTL: time.Hour},
	classOther:   {Name: "other", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 50, Value: 1000}, Keys: 10},
	classGrant:   {Name: "grants", Op: etcdmodel.Op{Kind: etcdmodel.LeaseGrant}},
	classRevoke:  {Name: "revokes", Op: etcdmodel.Op{Kind: etcdmodel.LeaseRevoke}},
	classNothing: {Name: "late revokes", Op: etcdmodel.Op{Kind: etcdmodel.TxnConflict, Key: 1, Value: 8}, Keys: 1},
	classIndex:   {Name: "read indices", Op: etcdmodel.Op{Kind: etcdmodel.ReadIndex}},
	classRead:    {Name: "reads", Op: etcdmodel.Op{Kind: etcdmodel.Range, Key: 45, Value: 525}},
}

// start makes the server.
func (e *etcd) start(c *cluster) error {
	s := c.s
	classes := slices.Clone(classes)
	classes[classLease].Keys, classes[classNode].Keys = s.Nodes, s.Nodes
	server, err := etcdmodel.NewServer(etcdmodel.Cluster{
		Version: s.Etcd.Version, Members: s.Etcd.Members, Disks: []etcdmodel.Disk{disk(s.Etcd.Fsync)},
		Quota: int64(s.Etcd.Quota), DB: int64(s.Etcd.DB), Seed: s.Seed,
	}, classes)
	if err != nil {
		return err
	}
	*e = etcd{
		cluster: c, server: server, step: server.Advance(0), base: s.Etcd.Fsync,
		delays: make([]time.Duration, s.Etcd.Members), rested: make([]float64, len(classes)),
	}
	return nil
}

// disk is one whose median fsync takes that long, with the spread of a busy machine's: a hundredth take ten times as long.
func disk(median time.Duration) etcdmodel.Disk {
	return etcdmodel.Disk{Name: "scenario", Fsync: []etcdmodel.Quantile{
		{P: 0, Latency: median / 2}, {P: 0.5, Latency: median}, {P: 0.99, Latency: 10 * median}, {P: 1, Latency: 50 * median},
	}}
}

// setDelay makes every fsync of a member, or of all, take that much longer.
func (e *etcd) setDelay(now time.Duration, member int, by time.Duration) {
	if e.quiet {
		e.rouse(now)
	}
	e.run(now)
	for i := range e.delays {
		if member == 0 || member == i+1 {
			e.delays[i] = by
			if err := e.server.SetDisk(i, disk(e.base).Delayed(by)); err != nil {
				panic(err) // Scenario.Check has seen the member and the delay
			}
		}
	}
}

// killMember restarts a member, the leader if member is 0, and says which it was. The leadership of a leader moves to the
// next member; a member alone is back before anybody's patience ends, and loses nothing.
func (e *etcd) killMember(now time.Duration, member int) int {
	e.run(now)
	leader := max(0, e.server.Leader())
	if member == 0 {
		member = leader + 1
	}
	if member == leader+1 && len(e.delays) > 1 {
		for k := 1; k < len(e.delays); k++ {
			if e.server.MoveLeader((leader+k)%len(e.delays)) == nil {
				break // the first that has every committed entry
			}
		}
		e.poke()
	}
	return member
}

// fsync is the longest that any member's takes now.
func (e *etcd) fsync() time.Duration {
	worst := time.Duration(0)
	for _, d := range e.delays {
		worst = max(worst, d)
	}
	return e.base + worst
}

func (e *etcd) propose(now time.Duration, token int32) {
	q := &e.proposals[token]
	class := e.rows[q.purpose].class
	if class == classRevoke {
		if l := &e.lessor.leases[q.version-1].state; *l != leaseGranted || e.s.Etcd.Before3512 {
			class = classNothing
		} else {
			*l = leaseRevoking
		}
	}
	e.submit(now, class, token)
}

// saving is for how long etcd's leader has been in the save under way.
func (e *etcd) saving(now time.Duration) time.Duration {
	e.run(now)
	return e.server.Saving()
}

// lessorFree is when etcd's lessor can next look for expired leases.
func (e *etcd) lessorFree(now time.Duration) time.Duration {
	e.run(now)
	return e.server.LessorFree() + e.skip
}

func (e *etcd) read(now time.Duration, token int32) {
	class := classRead // also of a PUT that reads before it answers 409
	if e.proposals[token].purpose == forRevoke {
		class = classIndex
	}
	e.submit(now, class, token)
}

func (e *etcd) submit(now time.Duration, class class, token int32) {
	e.run(now)
	err := error(nil)
	if leader := e.server.Leader(); leader >= 0 && e.proposals[token].purpose == forRevoke { // the leader's own: it revokes a lease
		err = e.server.SubmitTo(leader, int(class), uint64(token)+1)
	} else {
		err = e.server.Submit(int(class), uint64(token)+1)
	}
	if err != nil {
		panic(err) // the class and the member exist and the tag is not zero
	}
}

// next is when something happens in etcd.
func (e *etcd) next() time.Duration {
	if e.seen < len(e.step.Done) {
		return e.now
	}
	if e.quiet {
		return 1<<63 - 1
	}
	if t := e.server.Next(); t < 1<<62 {
		return t + e.skip
	}
	return 1<<63 - 1
}

// run lets etcd's time pass until now.
func (e *etcd) run(now time.Duration) {
	if dt := now - e.skip - e.server.Now(); dt > 0 {
		e.deliver()
		e.server.Advance(dt)
		e.take()
	}
}

// advance runs until now and hands on what has ended.
func (e *etcd) advance(now time.Duration) {
	e.run(now)
	e.deliver()
}

// advanceTo runs until something has ended, until t at the latest, and hands that on.
func (e *etcd) advanceTo(t time.Duration) {
	if e.seen == len(e.step.Done) {
		e.now = e.server.AdvanceTo(t-e.skip).Now + e.skip
		e.take()
	}
	e.deliver()
}

// take is a new step, of which nothing is delivered yet. It tells of a new leader.
func (e *etcd) take() {
	e.seen = 0
	if e.step.Term != e.term {
		if e.term > 0 && e.step.Leader >= 0 {
			e.note(story.EtcdElection, itoa(e.step.Leader+1), story.ByScenario)
		}
		e.term = e.step.Term
	}
}

func (e *etcd) deliver() {
	for e.seen < len(e.step.Done) {
		d := &e.step.Done[e.seen]
		e.seen++
		token := int32(d.Tag - 1)
		e.began = d.Reached + e.skip
		switch d.Outcome {
		case etcdmodel.Committed, etcdmodel.Wasted:
			e.applied(token)
		case etcdmodel.Read:
			e.readDone(token)
		case etcdmodel.NoSpace:
			e.turnedDown(token)
			e.checkQuota()
		case etcdmodel.Refused:
			e.turnedDown(token)
		}
	}
}

// rest is a stretch of quiet in which etcd has only grown.
func (e *etcd) rest(dt time.Duration) {
	e.server.Rest(dt, e.rested)
	clear(e.rested)
}

// poke lets etcd begin what it was told to at this instant.
func (e *etcd) poke() {
	e.deliver()
	e.server.Advance(0)
	e.take()
}

// sleep and rouse bracket a stretch of quiet.
func (e *etcd) sleep(now time.Duration) { e.advance(now) }

func (e *etcd) rouse(now time.Duration) { e.skip = now - e.server.Now() }

// idle tells whether nothing is under way.
func (e *etcd) idle() bool {
	return e.seen == len(e.step.Done) && e.server.Idle()
}
