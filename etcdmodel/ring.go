package etcdmodel

// ring is a queue that keeps its buffer: once it has grown, pushing allocates nothing.
type ring[T any] struct {
	buf  []T // a power of two long
	head int // index of the first
	n    int
}

func (r *ring[T]) push(x T) { *r.add() = x }

// add is like push for a value that is written field by field into the queue. When a processor
// copies a struct at once, it waits for fields that were just written one by one. The slot
// returned holds an old value.
func (r *ring[T]) add() *T {
	if r.n == len(r.buf) {
		r.grow()
	}
	r.n++
	return &r.buf[(r.head+r.n-1)&(len(r.buf)-1)]
}

func (r *ring[T]) at(i int) *T { return &r.buf[(r.head+i)&(len(r.buf)-1)] }

func (r *ring[T]) pop() T {
	x := r.buf[r.head]
	r.drop(1)
	return x
}

func (r *ring[T]) drop(n int) {
	r.head = (r.head + n) & (len(r.buf) - 1)
	r.n -= n
}

// cut shortens the queue to its first n.
func (r *ring[T]) cut(n int) { r.n = min(r.n, n) }

func (r *ring[T]) grow() {
	bigger := make([]T, max(64, 2*len(r.buf)))
	for i := range r.n {
		bigger[i] = *r.at(i)
	}
	r.buf, r.head = bigger, 0
}
