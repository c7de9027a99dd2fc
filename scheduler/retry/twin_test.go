package retry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// twin is the queue written slowly and obviously: pod by pod, token by token.
type twin struct {
	c                     Config
	now, busy             time.Duration
	active, backoff, pool []*twinPod
	tokens, eventTokens   twinTokens
	api                   API
	message               int
	by                    Rejection
	writes                []twinWrite
	orphans               []*twinEvent
	total                 Step
}

type twinPod struct {
	at      time.Duration
	tries   int
	message int
	by      Rejection
	event   *twinEvent
}

type twinEvent struct {
	seen  time.Duration
	count int
}

type twinWrite struct {
	kind eventKind
	at   time.Duration
}

// twinTokens counts tokens as golang.org/x/time/rate does.
type twinTokens struct {
	burst, tokens, qps float64
	last               time.Duration
}

func (b *twinTokens) take(t time.Duration) time.Duration {
	t = max(t, b.last)
	b.tokens = min(b.burst, b.tokens+(t-b.last).Seconds()*b.qps) - 1
	b.last = t
	if b.tokens >= -1e-9 {
		return t
	}
	at := t + time.Duration(-b.tokens/b.qps*float64(time.Second)+0.5)
	b.tokens, b.last = 0, at
	return at
}

func newTwin(c Config) *twin {
	c = c.withDefaults()
	return &twin{c: c, by: ByFit, tokens: twinTokens{burst: float64(c.Burst), tokens: float64(c.Burst), qps: c.QPS},
		eventTokens: twinTokens{burst: float64(c.EventBurst), tokens: float64(c.EventBurst), qps: c.EventQPS}}
}

func (w *twin) add(n int) {
	for range n {
		w.active = append(w.active, &twinPod{at: w.now, message: noMessage})
	}
}

func (w *twin) expired(p *twinPod, t time.Duration) bool {
	if p.tries == 0 {
		return true
	}
	end := p.at + w.c.backoff(p.tries)
	if popsFromBackoff(w.c.Version) {
		return end.Truncate(time.Second) < t.Truncate(time.Second)
	}
	return end <= t
}

func (w *twin) requeue(p *twinPod) {
	if w.expired(p, w.now) {
		w.active = append(w.active, p)
	} else {
		w.backoff = append(w.backoff, p)
	}
	slices.SortStableFunc(w.active, func(a, b *twinPod) int { return int(a.at - b.at) })
	slices.SortStableFunc(w.backoff, func(a, b *twinPod) int {
		return int(a.at + w.c.backoff(a.tries) - b.at - w.c.backoff(b.tries))
	})
}

func (w *twin) move(from *[]*twinPod, which func(*twinPod) bool) {
	var stay []*twinPod
	for _, p := range *from {
		if which(p) {
			w.requeue(p)
		} else {
			stay = append(stay, p)
		}
	}
	*from = stay
}

func (w *twin) event(e ClusterEvent) {
	w.move(&w.pool, func(p *twinPod) bool { return wakes(w.c.Version, e, p.by) })
}

func (w *twin) advance(to time.Duration) {
	for w.now < to {
		tick := backoffTimer(w.c.Version)
		next := min(to, w.now.Truncate(time.Second)+time.Second, w.now.Truncate(tick)+tick)
		w.serve(next)
		w.write(next)
		w.now = next
		if next%tick == 0 {
			ended := slices.DeleteFunc(slices.Clone(w.backoff), func(p *twinPod) bool { return !w.expired(p, next) })
			w.backoff = slices.DeleteFunc(w.backoff, func(p *twinPod) bool { return w.expired(p, next) })
			w.active = append(w.active, ended...)
			slices.SortStableFunc(w.active, func(a, b *twinPod) int { return int(a.at - b.at) })
		}
		if next%flushCheck == 0 {
			w.move(&w.pool, func(p *twinPod) bool { return next-p.at > w.c.Flush })
		}
		if next%finishIdle == 0 {
			w.finish()
		}
		if next%refreshEvery == 0 {
			w.each(func(e *twinEvent) {
				if e.count > 1 {
					w.writes = append(w.writes, twinWrite{eventUpdate, next})
				}
			})
		}
	}
}

func (w *twin) each(f func(*twinEvent)) {
	for _, l := range [][]*twinPod{w.active, w.backoff, w.pool} {
		for _, p := range l {
			if p.event != nil {
				f(p.event)
			}
		}
	}
	for _, e := range w.orphans {
		f(e)
	}
}

func (w *twin) finish() {
	old := func(e *twinEvent) bool { return w.now-e.seen > finishIdle }
	w.each(func(e *twinEvent) {
		if e.count > 1 && old(e) {
			w.writes = append(w.writes, twinWrite{eventUpdate, w.now})
		}
	})
	for _, l := range [][]*twinPod{w.active, w.backoff, w.pool} {
		for _, p := range l {
			if p.event != nil && old(p.event) {
				p.event = nil
			}
		}
	}
	w.orphans = slices.DeleteFunc(w.orphans, old)
}

func (w *twin) serve(until time.Duration) {
	w.busy = max(w.busy, w.now)
	for w.busy < until {
		from := &w.active
		if len(*from) == 0 && popsFromBackoff(w.c.Version) {
			from = &w.backoff
		}
		if len(*from) == 0 {
			return
		}
		p := (*from)[0]
		*from = (*from)[1:]
		at := w.busy + w.c.Attempt
		w.total.Attempts++
		p.at, p.by = at, w.by
		p.tries++
		w.busy = at
		switch {
		case p.event == nil:
			p.event = &twinEvent{seen: at, count: 1}
			w.writes = append(w.writes, twinWrite{eventCreate, at})
		default:
			p.event.seen = at
			if p.event.count++; p.event.count == 2 {
				w.writes = append(w.writes, twinWrite{eventUpdate, at})
			}
		}
		if p.message != w.message {
			w.total.PodPatches++
			w.busy = w.tokens.take(at) + w.api.Latency
			p.message = w.message
			w.orphans = append(w.orphans, p.event)
			p.event = nil
		}
		w.pool = append(w.pool, p)
	}
}

func (w *twin) write(until time.Duration) {
	for len(w.writes) > 0 {
		saved := w.eventTokens
		if w.eventTokens.take(w.writes[0].at) >= until {
			w.eventTokens = saved
			return
		}
		if w.writes[0].kind == eventCreate {
			w.total.EventCreates++
		} else {
			w.total.EventUpdates++
		}
		w.writes = w.writes[1:]
	}
}

// The queue of cohorts must do what the twin does: the same attempts and writes, at
// every step, up to what merging cohorts may move (mergeError).
func FuzzQueueIsItsTwin(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 8829))
		c := Config{Version: Modelled()[r.IntN(2)], Attempt: time.Duration(1+r.IntN(20)) * time.Millisecond}
		q, w := newQueue(t, c), newTwin(c)
		pods := 1 + r.IntN(300)
		q.Add(pods)
		w.add(pods)
		var history string
		for i := range 40 {
			switch r.IntN(6) {
			case 0:
				id, by := r.IntN(4), Rejection(1+r.IntN(3))
				q.SetMessage(id, by)
				w.message, w.by = id, by
				history += fmt.Sprintf(" message(%d,%v)", id, by)
			case 1:
				n := r.IntN(30)
				q.Add(n)
				w.add(n)
				history += fmt.Sprintf(" add(%d)", n)
			case 2:
				api := API{Latency: time.Duration(r.IntN(60)) * time.Millisecond}
				require.NoError(t, q.SetAPI(api))
				w.api = api
				history += fmt.Sprintf(" latency(%v)", api.Latency)
			default:
				e := ClusterEvent{Kind: EventKind(r.IntN(int(eventKinds))), Fits: r.IntN(2) == 0}
				if r.IntN(2) == 0 {
					e.Kind = BoundPodDeleted
				}
				q.Event(e)
				w.event(e)
				history += fmt.Sprintf(" %v", e.Kind)
			}
			d := time.Duration(1+r.IntN(40_000)) * time.Millisecond
			if r.IntN(8) == 0 {
				d *= 20
			}
			q.Advance(q.Now() + d)
			w.advance(w.now + d)
			history += fmt.Sprintf(" +%v\n", d)
			got, want := q.Total(), w.total
			for _, x := range []struct {
				what      string
				got, want int
			}{
				{"attempts", got.Attempts, want.Attempts}, {"patches", got.PodPatches, want.PodPatches},
				{"creates", got.EventCreates, want.EventCreates}, {"updates", got.EventUpdates, want.EventUpdates},
			} {
				require.InDelta(
					t, x.want, x.got, 3+0.005*float64(x.want), "%s at step %d of seed %d (%v, attempt %v):%s", x.what, i, seed,
					c.Version, c.Attempt, history,
				)
			}
			s := q.Status()
			require.Equal(t, len(w.active)+len(w.backoff)+len(w.pool), s.Pods(), "no pod is lost")
		}
	})
}
