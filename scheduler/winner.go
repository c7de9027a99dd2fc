package scheduler

// winners picks the node with the highest score as kube-scheduler does: it makes a heap of the
// scored nodes and pops the top.
//
// Among equals, the heap's shape decides which one ends on top. A place keeps its own node unless a
// child's winner is strictly better, and prefers the left child. That is a tournament over the
// shape of the heap, so a changed score needs only the path to the root played again.
type winners struct {
	score []int64 // by place: the total of the node there
	win   []int32 // by place: the place of the winner of its subtree
}

// fill computes the winner of every subtree.
func (w *winners) fill() {
	n := len(w.score)
	if cap(w.win) < n {
		w.win = make([]int32, n)
	}
	w.win = w.win[:n]
	for i := n - 1; i >= 0; i-- {
		w.play(i)
	}
}

func (w *winners) play(i int) {
	best := int32(i)
	if left := 2*i + 1; left < len(w.score) {
		child := w.win[left]
		if right := left + 1; right < len(w.score) && w.score[w.win[right]] > w.score[child] {
			child = w.win[right]
		}
		if w.score[child] > w.score[i] {
			best = child
		}
	}
	w.win[i] = best
}

// set changes the score of a place.
func (w *winners) set(i int, score int64) {
	w.score[i] = score
	for {
		w.play(i)
		if i == 0 {
			return
		}
		i = (i - 1) / 2
	}
}

// drop removes a place. Those behind it move up, and every subtree that one of them is in gets its
// winner anew.
func (w *winners) drop(i int) {
	w.score = append(w.score[:i], w.score[i+1:]...)
	w.win = w.win[:len(w.score)]
	for k := len(w.win) - 1; k >= i; k-- {
		w.play(k)
	}
	// Above i, a subtree has changed if it reaches places at or behind i: level by level, all from
	// i's ancestor on.
	for low, high := (i-1)/2, i-1; high >= 0 && i > 0; {
		for k := high; k >= max(low, 0); k-- {
			w.play(k)
		}
		if low <= 0 {
			return
		}
		low, high = (low-1)/2, low-1
	}
}

func (w *winners) top() int { return int(w.win[0]) }
