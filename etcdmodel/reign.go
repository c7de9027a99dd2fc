package etcdmodel

// reign counts the terms of one leader, for [Prediction.Elections].
type reign struct {
	led    int64 // ns
	terms  int   // that began
	lost   int   // of those, the ones that ended in an election
	stalls int   // saves that outlast a follower's least patience
	next   [maxMembers]int
}

// reigns counts for each member.
type reigns struct {
	of     [maxMembers]reign
	leader int // the last
	since  int64
	stalls int // of this term
}

// deposed notes that another member leads from now on.
func (r *reigns) deposed(to int, now int64) {
	x := &r.of[r.leader]
	x.lost++
	x.next[to]++
	r.ends(now)
	r.leader, r.since = to, now
}

// ends counts a term.
func (r *reigns) ends(now int64) {
	x := &r.of[r.leader]
	x.terms++
	x.led += now - r.since
	x.stalls += r.stalls
	r.stalls = 0
}

func (r *reign) add(x *reign) {
	r.led, r.terms, r.lost, r.stalls = r.led+x.led, r.terms+x.terms, r.lost+x.lost, r.stalls+x.stalls
	for j := range r.next {
		r.next[j] += x.next[j]
	}
}
