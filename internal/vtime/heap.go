package vtime

// heap is a four-ary min-heap of events.
type heap []Event

func (a *Event) before(b *Event) bool {
	return a.At < b.At || a.At == b.At && int32(a.seq-b.seq) < 0
}

func (h *heap) push(e Event) {
	*h = append(*h, e)
	q := *h
	i := len(q) - 1
	for i > 0 {
		p := (i - 1) / 4
		if !e.before(&q[p]) {
			break
		}
		q[i] = q[p]
		i = p
	}
	q[i] = e
}

// pop removes and returns the first event of a heap that has one.
func (h *heap) pop() Event {
	n := len(*h) - 1
	top, e := (*h)[0], (*h)[n]
	*h = (*h)[:n]
	q := *h
	if n == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= n {
			break
		}
		for k, end := c+1, min(c+4, n); k < end; k++ {
			if q[k].before(&q[c]) {
				c = k
			}
		}
		if !q[c].before(&e) {
			break
		}
		q[i] = q[c]
		i = c
	}
	q[i] = e
	return top
}
