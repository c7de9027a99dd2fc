// Package lost measures how long a test was without its machine: the host stopped the virtual
// machine, or the process was given no processor. A bound on time is for the time that the test
// had, so what it lost is added to the bound.
//
//	watch := lost.Start()
//	... something that must take less than ten seconds ...
//	took, away := ..., watch.Stop()
//	assert.Less(t, took-away.Sum, 10*time.Second)
//
// On a machine that is always there nothing is lost, and the bound is what it says.
package lost

import (
	"slices"
	"sync"
	"time"
)

const (
	nap = 5 * time.Millisecond
	// usual bounds how late a wake-up is on a busy machine that nobody stops: Go's own threads take
	// turns of 10 ms, the kernel's of some more.
	usual = 50 * time.Millisecond
)

// Time holds the time that was lost.
type Time struct {
	Sum  time.Duration // of the gaps, or what the hypervisor kept if that is more
	Gaps []Gap
}

// A Gap is one wake-up that came later than usual.
type Gap struct {
	To   time.Time // when it came
	Late time.Duration
}

// Gone returns the sum of the gaps.
func (t Time) Gone() (sum time.Duration) {
	for _, g := range t.Gaps {
		sum += g.Late
	}
	return sum
}

// Between returns how much of the time between two times is in gaps.
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

// steal returns the time since the machine's start in which the hypervisor ran others while
// processors were ready, summed over all processors. It is 0 where that is not known.
func steal() time.Duration {
	const field, tick = 7, 10 * time.Millisecond // /proc/stat counts in hundredths of a second
	ticks := allProcessors()
	if len(ticks) <= field {
		return 0
	}
	return time.Duration(ticks[field]) * tick
}
