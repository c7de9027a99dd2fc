package sim

import (
	"slices"
	"time"

	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/internal/vtime"
)

// etcd is the cluster's [etcdmodel.Server] as the API servers meet it. Requests are submitted one
// by one at the instant at which they are made, and each ends at its own. While the control plane
// is quiet the server's time stands still.
type etcd struct {
	*cluster
	server *etcdmodel.Server
	step   *etcdmodel.Step // the server's last, in the server's memory
	seen   int             // how many of step.Done are delivered
	began  time.Duration   // when etcd came to apply the write that is delivered
	skip   time.Duration   // quiet time, which the server did not see
	base   time.Duration   // fsync of the healthy disk
	delays []time.Duration // added to each fsync, by member
	term   int             // of the last step
	rested []float64       // writes that were counted and have not reached the db, by class
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

// propose submits the write of a proposal. The first revoke of a lease forces a backend commit
// since 3.5.12. A later one, or an older etcd's, costs no more than a conflict.
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
	if q.purpose == forPodDelete && (q.request < 0 || q.who == direct) && e.server.Full() {
		class = classDelete
	}
	e.submit(now, class, token)
}

// read submits the read of a proposal.
func (e *etcd) read(now time.Duration, token int32) {
	class := classRead // also for a PUT that is read before its 409
	if e.proposals[token].purpose == forRevoke {
		class = classIndex
	}
	e.submit(now, class, token)
}

// submit hands a proposal to a member. A revoke goes to the leader, whose lessor it comes from.
func (e *etcd) submit(now time.Duration, class class, token int32) {
	e.run(now)
	var err error
	if leader := e.server.Leader(); leader >= 0 && e.proposals[token].purpose == forRevoke {
		err = e.server.SubmitTo(leader, int(class), uint64(token)+1)
	} else {
		err = e.server.Submit(int(class), uint64(token)+1)
	}
	if err != nil {
		panic(err) // the class and the member exist and the tag is not zero
	}
}

// next returns when something happens in etcd.
func (e *etcd) next() time.Duration {
	if e.seen < len(e.step.Done) {
		return e.now
	}
	if e.quiet {
		return vtime.Never
	}
	if t := e.server.Next(); t < 1<<62 {
		return t + e.skip
	}
	return vtime.Never
}

// run lets etcd's time pass until now.
func (e *etcd) run(now time.Duration) {
	if dt := now - e.skip - e.server.Now(); dt > 0 {
		e.deliver()
		e.server.Advance(dt)
		e.take()
	}
}

// advance lets etcd's time pass until now and delivers what has ended.
func (e *etcd) advance(now time.Duration) {
	e.run(now)
	e.deliver()
}

// advanceTo lets etcd's time pass until something has ended, until t at the latest, and delivers
// that.
func (e *etcd) advanceTo(t time.Duration) {
	if e.seen == len(e.step.Done) {
		e.now = e.server.AdvanceTo(t-e.skip).Now + e.skip
		e.take()
	}
	e.deliver()
}

// take begins a new step, of which nothing is delivered yet, and notes a new leader.
func (e *etcd) take() {
	e.seen = 0
	if e.step.Term != e.term {
		if e.term > 0 && e.step.Leader >= 0 {
			e.note(story.EtcdElection, itoa(e.step.Leader+1), story.ByScenario)
		}
		e.term = e.step.Term
	}
}

// deliver tells the kernel the outcome of every proposal that has ended in this step.
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

// saving returns for how long etcd's leader has been in the save under way.
func (e *etcd) saving(now time.Duration) time.Duration {
	e.run(now)
	return e.server.Saving()
}

// lessorFree returns when etcd's lessor can next look for expired leases.
func (e *etcd) lessorFree(now time.Duration) time.Duration {
	e.run(now)
	return e.server.LessorFree() + e.skip
}

// setDelay makes every fsync of a member take that much longer. Member 0 means all of them.
func (e *etcd) setDelay(now time.Duration, member int, by time.Duration) {
	if e.quiet {
		e.rouse(now)
	}
	e.run(now)
	for i := range e.delays {
		if member == 0 || member == i+1 {
			e.delays[i] = by
			if err := e.server.SetDisk(i, disk(e.base).Delayed(by)); err != nil {
				panic(err) // Scenario.Check refuses such a member or delay
			}
		}
	}
}

// killMember restarts a member, the leader if member is 0, and returns which it was. The lead of a
// killed leader moves to the next member. A single member is back before any client's timeout, and
// loses nothing.
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

// poke lets etcd begin what it was told to do at this instant.
func (e *etcd) poke() {
	e.deliver()
	e.server.Advance(0)
	e.take()
}

// idle reports whether nothing is under way.
func (e *etcd) idle() bool {
	return e.seen == len(e.step.Done) && e.server.Idle()
}

// sleep begins a stretch of quiet.
func (e *etcd) sleep(now time.Duration) { e.advance(now) }

// rest lets a stretch of quiet pass, in which the db grows by what was counted.
func (e *etcd) rest(dt time.Duration) {
	e.server.Rest(dt, e.rested)
	clear(e.rested)
}

// rouse ends a stretch of quiet.
func (e *etcd) rouse(now time.Duration) { e.skip = now - e.server.Now() }
