package etcdmodel

import (
	"math"
	"slices"
	"sort"
)

// keyspace counts the keys and revisions of one class in the db.
type keyspace struct {
	cast
	bytes   float64 // of one revision
	grave   float64 // of the tombstone of a key that expires
	have    float64 // keys that lived at the start
	live    float64 // keys, of what is created
	written float64 // revisions since the start
	dead    float64 // revisions that no longer matter, in the db or not, of what is created or removes
	dropped float64 // dead ones that were compacted away
	marks   ring[mark]
	births  ring[mark] // of what expires
}

// mark holds a class's counts at a time.
type mark struct {
	at            int64
	written, dead float64
}

// gone returns the revisions of the class that no longer matter, by what was written then.
func (s *keyspace) gone(limit, written, dead float64) float64 {
	if s.role == updates {
		return max(0, written-(limit-s.have))
	}
	return dead
}

// markAt returns the mark at time t: the counts are taken to have grown evenly from mark to mark.
// now is the latest.
func markAt(marks *ring[mark], t int64, now mark) mark {
	if t >= now.at {
		return now
	}
	if t <= 0 {
		return mark{at: t}
	}
	i := sort.Search(marks.n, func(i int) bool { return marks.at(i).at > t })
	var low mark
	if i > 0 {
		low = *marks.at(i - 1)
	}
	high := now
	if i < marks.n {
		high = *marks.at(i)
	}
	if low.at == t || high.at <= low.at {
		return low
	}
	share := float64(t-low.at) / float64(high.at-low.at)
	return mark{t, low.written + share*(high.written-low.written), low.dead + share*(high.dead-low.dead)}
}

// note appends a mark, unless the last is nearer than apart.
func note(marks *ring[mark], m mark, apart int64) {
	if marks.n > 0 && m.at-marks.at(marks.n-1).at < max(1, apart) {
		return
	}
	marks.push(m)
}

// forget drops the marks that no question before t needs.
func forget(marks *ring[mark], t int64) {
	for marks.n > 1 && marks.at(1).at <= t {
		marks.drop(1)
	}
}

// apply counts n requests of a class.
func (d *database) apply(classes []class, k *class, n float64) {
	s := &k.keys
	switch s.role {
	case removes:
		d.remove(classes, k, n*float64(k.Op.revisions()))
		return
	case bystander:
		d.lease(k, n)
		return
	case creates, expires:
		s.live += n * float64(k.Op.revisions())
	}
	d.inUse += n * k.db
	s.written += n * float64(k.Op.revisions())
}

// lease counts leases, whose records are in the db as long as they live, in a bucket without
// history.
func (d *database) lease(k *class, n float64) {
	switch k.Op.Kind {
	case LeaseGrant:
		d.leases += n
		d.inUse += n * k.db
	case LeaseRevoke:
		n = math.Min(n, d.leases)
		d.leases -= n
		d.inUse = max(0, d.inUse-n*Op{Kind: LeaseGrant}.DBBytes(d.version))
	}
}

// remove deletes n keys, in proportion to what lives.
func (d *database) remove(classes []class, k *class, n float64) {
	if k.Op.Kind == LeaseRevoke {
		defer d.lease(k, n/float64(k.Op.revisions()))
	}
	s := &k.keys
	sum := 0.0
	if s.group == unleased {
		sum = d.others.live
	}
	for i := range classes {
		if x := &classes[i].keys; x.role == creates && x.group == s.group {
			sum += x.live
		}
	}
	n = math.Min(n, sum)
	if n <= 0 {
		return
	}
	take := func(x *keyspace) {
		share := math.Min(x.live, n*x.live/sum)
		x.live -= share
		x.dead += share
	}
	if s.group == unleased {
		take(&d.others)
	}
	for i := range classes {
		if x := &classes[i].keys; x.role == creates && x.group == s.group {
			take(x)
		}
	}
	s.written += n
	s.dead += n
	d.inUse += n * s.bytes
}

// expire deletes the keys whose lease has ended by now, with a tombstone for each.
func (d *database) expire(classes []class, now int64) {
	for i := range classes {
		k := &classes[i]
		s := &k.keys
		if s.role != expires {
			continue
		}
		ttl := ns(k.TTL)
		latest := mark{at: now, written: s.written}
		ended := s.have*math.Min(1, float64(now)/float64(ttl)) + markAt(&s.births, now-ttl, latest).written
		if n := ended - s.dead; n > 0 {
			s.dead += n
			s.live = max(0, s.live-n)
			d.inUse += n * s.grave
		}
		note(&s.births, latest, ttl/256)
		forget(&s.births, now-ttl)
	}
}

// compactedTo notes the revision of a compaction to t, by which time so many requests had made one
// each.
func (d *database) compactedTo(t int64, requests float64) {
	if t > 0 {
		d.revision = d.begin.revision + requests
		return
	}
	if age := d.begin.age * 1e9; age > 0 {
		d.revision = d.begin.revision - d.begin.written*min(1, float64(-t)/age)
	}
}

// state returns the database as etcd's metrics have it.
func (d *database) state(classes []class) State {
	s := State{
		Version: d.version, Total: wholeInt64(slices.Max(d.files)), InUse: wholeInt64(d.inUse), Quota: wholeInt64(d.quota),
	}
	keys, revision := d.others.live, d.begin.revision
	for i := range classes {
		x := &classes[i].keys
		keys += x.live
		if x.role == updates {
			keys += min(x.written, float64(classes[i].Keys)-x.have)
		}
		revision += x.written / max(1, float64(classes[i].Op.revisions()))
	}
	s.Keys, s.Revision, s.Compacted = count(keys), wholeInt64(revision), wholeInt64(d.revision)
	if s.Compacted == 0 {
		s.Compacted = -1
	}
	return s
}

// revisions returns the number of revisions in the db.
func (d *database) revisions(classes []class) float64 {
	sum := d.begin.live().revisions + d.begin.garbage.revisions - d.freedHistory - d.others.dropped
	for i := range classes {
		s := &classes[i].keys
		sum += s.written - s.dropped
		if s.role == expires {
			sum += s.dead - s.dropped // tombstones
		}
	}
	return max(0, sum)
}
