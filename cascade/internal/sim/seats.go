package sim

type seats struct {
	limit, used  int
	head, tail   int32
	waiting      int
	high         int // most seats wanted since the last adjustment
	smooth       float64
	nominal, min int
}

func (sv *servers) leave(server int32, ln level) {
	l := &sv.list[server].levels[ln]
	l.used--
	if l.waiting > 0 {
		sv.fillSeats(server, ln)
	}
}

// fillSeats serves those who wait as far as there are seats.
func (sv *servers) fillSeats(server int32, ln level) {
	l := &sv.list[server].levels[ln]
	for l.waiting > 0 && l.used < l.limit {
		i := l.head
		r := &sv.requests[i]
		l.head = r.next
		l.waiting--
		r.next = -1
		l.used++
		sv.serve(i)
	}
}

// unqueue takes a request out of its lane's queue.
func (sv *servers) unqueue(i int32) {
	r := &sv.requests[i]
	l := &sv.list[r.server].levels[sv.rows[r.purpose].level]
	l.waiting--
	if l.head == i {
		l.head = r.next
		return
	}
	sv.requests[r.before].next = r.next
	if l.tail == i {
		l.tail = r.before
	} else {
		sv.requests[r.next].before = r.before
	}
}

// levels are the priority levels of flowcontrol's bootstrap configuration: shares of 600 in 245, how much of it may be lent.
var shares = [levels]struct {
	share    int
	lendable float64
}{
	nodeHigh: {40, 0.25}, system: {30, 0.33}, workloadHigh: {40, 0.5}, leaderElection: {10, 0},
	workloadLow: {100, 0.9}, globalDefault: {20, 0.5}, catchAll: {5, 0}, exempt: {0, 0},
}

const totalSeats, totalShares = 600, 245

func (s *server) openLanes() {
	for i := range s.levels {
		n := (totalSeats*shares[i].share + totalShares - 1) / totalShares
		s.levels[i] = seats{limit: n, nominal: n, min: n - int(shares[i].lendable*float64(n)+0.5)}
	}
}

// adjustSeats adjusts the levels' limits, every 10 s.
func (sv *servers) adjustSeats() {
	sv.borrowSeats()
	sv.at(sv.now+seatsPeriod, evSeats, 0, sv.calm.periodic)
}

// borrowSeats is apf_controller.go's adjustment every 10 s: each level aims at the most it wanted lately, which decays
// slowly; the total of 600 is shared so that all get the same multiple of their aims, within their limits.
func (sv *servers) borrowSeats() {
	const decay = 0.977
	for i := range sv.list {
		s := &sv.list[i]
		if !s.pressed() {
			continue
		}
		var aim [levels]float64
		for k := range s.levels[:exempt] {
			l := &s.levels[k]
			l.smooth = max(float64(l.high), decay*l.smooth+(1-decay)*float64(l.high))
			aim[k] = max(float64(l.min), l.smooth, 1)
			l.high = l.used + l.waiting
		}
		f := s.multiple(&aim)
		for k := range s.levels[:exempt] {
			l := &s.levels[k]
			l.limit = int(min(max(f*aim[k], float64(l.min)), totalSeats))
			if l.waiting > 0 {
				sv.fillSeats(int32(i), level(k))
			}
		}
	}
}

// multiple is how many times its aim each level gets if none gets less than its least and all together get what there is. Levels whose share
// falls below their least leave the sharing with that; what they leave lowers the multiple, so that this ends.
func (s *server) multiple(aim *[levels]float64) float64 {
	var out [levels]bool
	for {
		seats, aims := float64(totalSeats), 0.0
		for k := range s.levels[:exempt] {
			if out[k] {
				seats -= float64(s.levels[k].min)
			} else {
				aims += aim[k]
			}
		}
		f, again := max(0, seats)/max(aims, 1), false
		for k := range s.levels[:exempt] {
			if !out[k] && f*aim[k] < float64(s.levels[k].min) {
				out[k], again = true, true
			}
		}
		if !again {
			return f
		}
	}
}

// pressed tells whether some level wanted more seats than it has: else its limit makes no difference.
func (s *server) pressed() bool {
	for k := range s.levels[:exempt] {
		if l := &s.levels[k]; l.high > l.limit || l.limit > l.nominal {
			return true
		}
	}
	return false
}
