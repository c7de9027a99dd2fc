// Package lost measures the time that a test was without its machine: a virtual machine whose host
// stops it, a process that is given no processor. A bound on time is for the time that the test
// had. Add the lost time to the bound.
//
//	watch := lost.Start()
//	... something that must take less than ten seconds ...
//	took, away := ..., watch.Stop()
//	assert.Less(t, took-away.Sum, 10*time.Second)
//
// On a machine that is always there nothing is lost, and the bound holds as it stands.
package lost

import (
	"slices"
	"sync"
	"time"
)

const (
	nap = 5 * time.Millisecond
	// usual is the delay of a wake-up on a busy machine that nobody stops: Go's own threads take
	// turns of 10 ms, the kernel's of some more.
	usual = 50 * time.Millisecond
)

// Time is the time lost.
type Time struct {
	Sum  time.Duration // of the gaps, or the hypervisor's share if that is more
	Gaps []Gap
}

// A Gap is one wake-up that came later than usual.
type Gap struct {
	To   time.Time // time of the wake-up
	Late time.Duration
}

// Gone returns the sum of the gaps.
func (t Time) Gone() (sum time.Duration) {
	for _, g := range t.Gaps {
		sum += g.Late
	}
	return sum
}

// Between returns the gaps' part of the time between two times.
func (t Time) Between(from, to time.Time) (sum time.Duration) {
	for _, g := range t.Gaps {
		begin, end := g.To.Add(-g.Late), g.To
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		sum += max(0, end.Sub(begin))
	}
	return sum
}

// A Watch sleeps for some milliseconds at a time and notes when it wakes late.
type Watch struct {
	mu    sync.Mutex
	gaps  []Gap
	kept  time.Duration // by the hypervisor, when the watch began
	end   chan struct{}
	ended sync.WaitGroup
}

// Start begins a watch, which Stop ends.
func Start() *Watch {
	w := &Watch{kept: steal(), end: make(chan struct{})}
	begin := time.Now()
	w.ended.Go(func() { w.watch(begin) })
	return w
}

func (w *Watch) watch(begin time.Time) {
	timer := time.NewTimer(nap)
	defer timer.Stop()
	for ; ; begin = time.Now() {
		select {
		case <-w.end:
			return
		case <-timer.C:
		}
		if now := time.Now(); now.Sub(begin)-nap > usual {
			w.mu.Lock()
			w.gaps = append(w.gaps, Gap{now, now.Sub(begin) - nap})
			w.mu.Unlock()
		}
		timer.Reset(nap)
	}
}

// Time returns the time lost so far.
func (w *Watch) Time() Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	lost := Time{Gaps: slices.Clone(w.gaps)}
	lost.Sum = max(lost.Gone(), steal()-w.kept)
	return lost
}

// Stop ends the watch and returns the time lost.
func (w *Watch) Stop() Time {
	close(w.end)
	w.ended.Wait()
	return w.Time()
}

// steal returns the time since the machine started during which all processors together were ready
// to run and the hypervisor ran others. It returns 0 where that is not known.
func steal() time.Duration {
	const field, tick = 7, 10 * time.Millisecond // /proc/stat counts in hundredths of a second
	ticks := allProcessors()
	if len(ticks) <= field {
		return 0
	}
	return time.Duration(ticks[field]) * tick
}
