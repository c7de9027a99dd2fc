package sim

// seats are the seats of one priority level in one API server, with the queue for them.
type seats struct {
	limit, used  int
	head, tail   int32   // first and last request of the queue, while any waits
	waiting      int     // requests in the queue
	high         int     // most seats wanted since the last adjustment
	smooth       float64 // high, which decays slowly
	nominal, min int     // the limit at first, and the least that borrowing leaves
}

// shares are the priority levels of flowcontrol's bootstrap configuration: each level's share of
// the seats, and how much of it may be lent.
var shares = [levels]struct {
	share    int
	lendable float64
}{
	nodeHigh:       {share: 40, lendable: 0.25},
	system:         {share: 30, lendable: 0.33},
	workloadHigh:   {share: 40, lendable: 0.5},
	leaderElection: {share: 10},
	workloadLow:    {share: 100, lendable: 0.9},
	globalDefault:  {share: 20, lendable: 0.5},
	catchAll:       {share: 5},
	exempt:         {},
}

// totalSeats are an API server's seats, totalShares the sum of all levels' shares.
const totalSeats, totalShares = 600, 245

// openLevels gives each level its nominal seats.
func (s *server) openLevels() {
	for i := range s.levels {
		n := (totalSeats*shares[i].share + totalShares - 1) / totalShares
		s.levels[i] = seats{limit: n, nominal: n, min: n - int(shares[i].lendable*float64(n)+0.5)}
	}
}

// leave gives a seat back.
func (sv *servers) leave(server int32, lv level) {
	l := &sv.list[server].levels[lv]
	l.used--
	if l.waiting > 0 {
		sv.fillSeats(server, lv)
	}
}

// fillSeats serves those who wait, as far as there are seats.
func (sv *servers) fillSeats(server int32, lv level) {
	l := &sv.list[server].levels[lv]
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

// unqueue takes a request out of its level's queue.
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

// adjustSeats adjusts the levels' limits, and does so again in 10 s.
func (sv *servers) adjustSeats() {
	sv.borrowSeats()
	sv.at(sv.now+seatsPeriod, evSeats, 0, sv.calm.periodic)
}

// borrowSeats follows the adjustment of apf_controller.go, every 10 s. Each level aims at the most
// that it wanted lately, which decays slowly. All levels get the same multiple of their aims,
// within their limits, so that they share the 600 seats.
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

// multiple returns how many times its aim each level gets, so that together they get all seats and
// none gets less than its least. A level whose part would be below its least gets that, and leaves
// the sharing. That lowers the multiple for the rest, so the loop ends.
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

// pressed reports whether a level wanted more seats than it has, or still has borrowed ones.
// Otherwise its limit makes no difference.
func (s *server) pressed() bool {
	for k := range s.levels[:exempt] {
		if l := &s.levels[k]; l.high > l.limit || l.limit > l.nominal {
			return true
		}
	}
	return false
}
