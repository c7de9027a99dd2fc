package etcdmodel

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// nospace is the alarm of the quota, as etcd keeps it: one for each member, in the db, so that it
// survives a restart. While any is on, every member refuses what has a cost.
//
// A request is checked twice (server/etcdserver/api/v3rpc/quota.go, apply/apply.go). The member
// that gets it compares its own file with the quota. If that is full, the request is refused at
// once and the member's alarm goes on. If it is not, the request goes through raft. Behind an
// alarm in the log it is refused when it is applied: it has cost its WAL and its fdatasync.
type nospace struct {
	alarms []bool // by the member that raised it: only a disarm ends it
	behind int64  // index of the last entry before the first alarm
}

// full reports whether any member's alarm is on.
func (n *nospace) full() bool {
	for _, on := range n.alarms {
		if on {
			return true
		}
	}
	return false
}

// over makes the quota check of a request on a member's committed size
// (server/storage/quota.go:126) and reports whether the member refuses it. That raises its alarm.
// last is the index of the newest entry.
func (d *database) over(member int, cost, last int64) bool {
	if d.files[member]+float64(cost) < d.quota {
		return false
	}
	if !d.full() {
		d.behind = last
	}
	d.alarms[member] = true
	return true
}

// behindAlarm reports whether a member refuses an entry with a cost when it applies it: one behind
// an alarm. An earlier one is applied.
func (e *engine) behindAlarm(member int) bool { return e.members[member].applied > e.db.behind }

// refuse answers a write with NOSPACE when it is applied, unless etcd's timeout did before.
func (e *engine) refuse(r request, t int64) {
	if r.id < e.waitID || t >= r.at+e.timeout || e.waiting.at(int(r.id-e.waitID)).answered {
		return
	}
	e.waiting.at(int(r.id - e.waitID)).answered = true
	e.see.done(r, noSpace, t)
	e.forget()
}

// lastIndex returns the index of the newest entry of the log.
func (e *engine) lastIndex() int64 { return e.base + int64(e.log.n) }

// Alarms returns the members that have raised the alarm NOSPACE. It is empty if the quota was not
// reached, or after [Server.Disarm].
func (s *Server) Alarms() []int {
	var on []int
	for i, x := range s.engine().db.alarms {
		if x {
			on = append(on, i)
		}
	}
	return on
}

// File returns the bytes of a member's db file. The files differ once some members alone were
// defragmented. It returns zero for a member that does not exist.
func (s *Server) File(member int) int64 {
	files := s.engine().db.files
	if member < 0 || member >= len(files) {
		return 0
	}
	return int64(files[member])
}

// Defrag rewrites every member's db, one after the other: the file shrinks to the bytes in use. A
// member applies nothing meanwhile, for Likely of what one member takes, which is returned.
func (s *Server) Defrag() Defrag {
	e := s.engine()
	var took Defrag
	for i := range e.members {
		took = e.defrag(i, ns(took.Likely)*int64(i))
	}
	return took
}

// DefragMember rewrites one member's db, which applies nothing meanwhile, for Likely of what is
// returned.
func (s *Server) DefragMember(member int) (Defrag, error) {
	if err := s.checkMember(member); err != nil {
		return Defrag{}, err
	}
	return s.e.defrag(member, 0), nil
}

// defrag begins the defragmentation of a member after a wait.
func (e *engine) defrag(member int, wait int64) Defrag {
	took := newDefrag(e.c, tally{e.db.inUse, e.db.revisions(e.classes)})
	e.members[member].paused = e.now + wait + ns(took.Likely)
	e.db.files[member] = e.db.inUse
	return took
}

// Disarm ends the alarms. They stay if any member's file is still over the quota, for the next
// write would raise them again: compacting alone does not shrink a file, only a defragmentation
// does. Neither does a restart, which reads the alarms from the db.
func (s *Server) Disarm() error {
	d := &s.engine().db
	if largest := slices.Max(d.files); largest >= d.quota {
		return fmt.Errorf(
			"%w: db is %d bytes, quota %d: compact and defragment first", ErrInput, int64(largest), int64(d.quota),
		)
	}
	clear(d.alarms)
	return nil
}

// noSpaceText describes NOSPACE and the way out. The table of validation/RESULTS/etcdmodel.md has
// each kind of request beside it, measured on 3.5.35, 3.6.16 and 3.7.3.
func noSpaceText(c Cluster, g *growth, quota float64) string {
	compactor := "kube-apiserver's compaction fails too, since it first puts compact_rev_key"
	switch c.Compactor {
	case EtcdItself:
		compactor = "etcd's own compaction goes on and frees pages, but only inside the file"
	case Nobody:
		compactor = "nobody compacts"
	}
	return fmt.Sprintf("at %v puts, transactions that put and lease grants fail with "+
		"\"mvcc: database space exceeded\", so also the DELETE of a running pod, which is first an update; %s. "+
		"Reads, deletes that need no update first, the expiry of leases (Events) and a manual Compact go on. "+
		"The alarm stays, also over a restart. "+
		"To leave: compact, defragment every member (to about %d MB), then disarm the alarm; "+
		"without the defragmentation it is raised again.",
		lasting(quota).Round(time.Second), compactor, wholeInt64(g.left(quota)/1e6))
}

// atQuota returns the bytes in use at t (s) of a db that met its quota at q. Puts have ended.
// Leases go on expiring, and each ended key adds a tombstone. Only a compactor that puts nothing
// frees what has become garbage since.
func (g *growth) atQuota(q, t float64, by Compactor) float64 {
	garbage, sum := g.at(q)-g.left(q), g.at(q)
	for i := range g.parts {
		if p := &g.parts[i]; p.role == expires {
			lives := p.have + p.rate*q - p.expired(q)
			ended := math.Min(lives, (p.have+p.rate*math.Min(q, p.ttl))*(t-q)/p.ttl)
			sum += ended * p.grave
			garbage += ended * (p.bytes + p.grave)
		}
	}
	if window := g.every + g.keep; by != KubeAPIServer && !math.IsInf(window, 1) {
		sum -= math.Max(0, garbage) * math.Min(1, (t-q)/window)
	}
	return math.Max(0, sum)
}
