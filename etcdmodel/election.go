package etcdmodel

import "slices"

// Ticks, heartbeats and elections. A member ticks in the loop that saves, so a save that
// stalls stops both a leader's heartbeats and a follower's patience: one tick at most waits
// for the end of the save (a Go ticker's channel holds one).

type heartbeats struct {
	due     bool
	last    int64 // when the leader sent them
	ticks   int   // since it last checked that a quorum answers
	checked int64 // when that was
}

type election struct {
	who      int
	votes    int64 // when the vote proper starts; before that a word from the leader ends it
	underWay bool
}

// electionTicks returns the election timeout in heartbeat intervals, as etcd counts it.
func (e *engine) electionTicks() int { return int(e.c.Election / e.c.Heartbeat) }

// resetElection draws how many ticks a member waits: uniform in [n, 2n).
func (e *engine) resetElection(i int) {
	m := &e.members[i]
	m.elapsed = 0
	m.limit = e.electionTicks() + e.chance.IntN(e.electionTicks())
}

func (e *engine) tickTimer(i int) {
	*e.timer(i, timerTick) += ns(e.c.Heartbeat)
	m := &e.members[i]
	if m.busy {
		m.tickPending = true
		return
	}
	e.tick(i)
	e.ready(i)
}

func (e *engine) tick(i int) {
	if e.leader == i {
		e.heartbeats.due = true
		e.heartbeats.ticks++
		if e.heartbeats.ticks >= e.electionTicks() {
			e.checkQuorum(i)
		}
		return
	}
	m := &e.members[i]
	m.elapsed++
	if m.elapsed >= m.limit && !e.election.underWay {
		e.campaign(i)
	}
}

// beat sends the heartbeats that are due. etcd counts a gap of more than two intervals as a
// failure to send, once for every follower (etcdserver/raft.go:142,384).
func (e *engine) beat(i int) {
	interval := ns(e.c.Heartbeat)
	if gap := e.now - e.heartbeats.last; gap > 2*interval {
		e.count.beatsLate += int64(e.c.Members - 1)
		e.count.beatsMissed += gap/interval - 1
	}
	e.heartbeats.due, e.heartbeats.last = false, e.now
	for j := range e.members {
		if j != i {
			e.send(msgBeat, i, j).commit = e.members[i].commit
		}
	}
}

// checkQuorum makes a leader step down if no quorum has answered it since its last check (raft.go,
// MsgCheckQuorum: RecentActive). It checks after ten of its own ticks. In a loop that saves all
// the time each turn has one tick.
func (e *engine) checkQuorum(i int) {
	since := e.heartbeats.checked
	e.heartbeats.ticks, e.heartbeats.checked = 0, e.now
	heard := 1
	for j := range e.members {
		if j != i && e.members[j].heard >= since {
			heard++
		}
	}
	if heard < e.c.quorum() {
		e.leader = -1
		e.resetElection(i)
		e.resetReads()
	}
}

// campaign asks the others for their pre-votes and, with a quorum of them, for their votes. They
// agree if they have not heard of a leader for an election timeout and their log is not longer.
// Each answers when its own loop is free, and saves a vote.
func (e *engine) campaign(i int) {
	m := &e.members[i]
	voters := e.voters(i)
	need := e.c.quorum() - 1
	m.elapsed = 0
	m.limit = e.electionTicks() + e.chance.IntN(e.electionTicks())
	if len(voters) < need {
		return
	}
	votes := e.quorumTime(voters, need, e.now, false)
	saved := votes + m.disk.save(e.hardState)
	e.election = election{who: i, votes: votes, underWay: true}
	e.timers[timerElection] = e.quorumTime(voters, need, saved, true)
}

func (e *engine) voters(i int) []int {
	var who []int
	for j := range e.members {
		m := &e.members[j]
		patient := m.elapsed < e.electionTicks() && e.leader >= 0
		if j != i && !m.down && j != e.leader && !patient && m.last <= e.members[i].last {
			who = append(who, j)
		}
	}
	return who
}

// quorumTime returns the time when the need-th of the voters has answered a question asked at t.
func (e *engine) quorumTime(voters []int, need int, t int64, save bool) int64 {
	var answers []int64
	for _, j := range voters {
		at := t + e.halfTrip
		if busy := *e.timer(j, timerLoop); busy != never {
			at = max(at, busy)
		}
		if save {
			at += e.members[j].disk.save(e.hardState)
		}
		answers = append(answers, at+e.halfTrip)
	}
	slices.Sort(answers)
	return answers[need-1]
}

// calm ends a campaign whose member hears the leader again before the vote proper.
func (e *engine) calm(i int) {
	if e.election.underWay && e.election.who == i && e.now < e.election.votes {
		e.election.underWay = false
		e.timers[timerElection] = never
	}
}

// elect makes the winner leader. Entries that only the old leader had are lost, and an empty entry
// of the new term has to commit first.
func (e *engine) elect() {
	e.timers[timerElection] = never
	e.election.underWay = false
	e.count.elections++
	e.term++
	e.leader = e.election.who
	e.reigns.deposed(e.leader, e.now)
	e.resetReads()
	winner := &e.members[e.leader]
	e.log.cut(int(winner.last - e.base))
	for j := range e.members {
		m := &e.members[j]
		m.last = min(m.last, winner.last)
		m.stable = min(m.stable, winner.last)
		m.match, m.sent, m.sentCommit = m.stable, m.stable, 0
		m.inFlight.drop(m.inFlight.n)
		m.heard = e.now
		m.ackDue, m.readDue, m.readSeen, m.readAnswers, m.confirmed = false, false, 0, 0, 0
		m.returned = m.returned || m.snapshotAt != never
		m.snapshotAt = never
		e.resetElection(j)
	}
	e.timers[timerSnapshot] = never
	e.heartbeats = heartbeats{due: true, last: e.now, checked: e.now}
	e.propose(request{route: route{class: -1}})
	for j := range e.members {
		e.ready(j)
	}
	for j := range e.members {
		if !e.members[j].down {
			e.nextRound(j, e.members[j].reads.queue.n)
		}
	}
}
