package retry

import "time"

// Correlator is the older Event recorder (client-go tools/record), which every component but the
// scheduler uses. It decides what becomes of the Events of one source about one object before they
// reach the API server. The zero value is ready and behaves as the newest modelled version.
//
// Events of one reason whose messages differ are written one by one up to the ninth within ten
// minutes. From the tenth on they are counted in one aggregate. A source may write 25 Events of a
// type about an object, then one every five minutes. So 450 creations leave ten Events, patched
// fifteen times.
type Correlator struct {
	reasons []aggregate
	spam    [2]spamBucket // Normal, Warning: v1.29 had one bucket for both
	version Version       // resolved; zero is the newest
}

// NewCorrelator returns the recorder of a component of version v.
func NewCorrelator(v Version) (*Correlator, error) {
	v, err := resolve(v)
	if err != nil {
		return nil, err
	}
	return &Correlator{version: v}, nil
}

// The defaults of client-go tools/record/events_cache.go.
const (
	aggregateAt     = 10                // distinct messages
	aggregateWithin = 600 * time.Second // since the last of that reason
	spamBurst       = 25
	spamEvery       = 300 * time.Second
)

// aggregate is the recorder's memory of one reason.
type aggregate struct {
	reason  string
	warning bool
	last    time.Duration
	local   map[string]bool // distinct messages, at most nine
	written map[string]bool // messages that have an Event of their own in the API server
	whole   bool            // the aggregate has one
}

// spamBucket is a bucket of tokens that are not waited for.
type spamBucket struct {
	used bool
	left float64
	last time.Duration
}

// EventWrite is the outcome of one Event at the recorder.
type EventWrite int

// The three outcomes.
const (
	Dropped EventWrite = iota // the spam filter keeps it from the API server
	Created                   // POST
	Patched                   // PATCH of an Event written before: its count grows
)

// Record takes one Event and returns the write that it causes. Messages that name an object or
// carry a time differ each time: pass the text, or any string that differs when the text does.
func (c *Correlator) Record(now time.Duration, warning bool, reason, message string) EventWrite {
	a := c.aggregate(warning, reason)
	if now-a.last > aggregateWithin {
		clear(a.local)
	}
	a.last = now
	alone := a.local[message] || len(a.local)+1 < aggregateAt
	if alone {
		a.local[message] = true
	}
	if !c.bucket(warning).take(now) {
		return Dropped
	}
	exists := a.whole
	if alone {
		exists = a.written[message]
		a.written[message] = true
	} else {
		a.whole = true
	}
	if exists {
		return Patched
	}
	return Created
}

func (c *Correlator) aggregate(warning bool, reason string) *aggregate {
	for i := range c.reasons {
		if a := &c.reasons[i]; a.reason == reason && a.warning == warning {
			return a
		}
	}
	c.reasons = append(c.reasons, aggregate{
		reason: reason, warning: warning, local: map[string]bool{}, written: map[string]bool{},
	})
	return &c.reasons[len(c.reasons)-1]
}

func (c *Correlator) bucket(warning bool) *spamBucket {
	if warning && c.version != V1_29 {
		return &c.spam[1]
	}
	return &c.spam[0]
}

func (s *spamBucket) take(now time.Duration) bool {
	if !s.used {
		s.used, s.left = true, spamBurst
	} else {
		s.left = min(spamBurst, s.left+float64(now-s.last)/float64(spamEvery))
	}
	s.last = now
	if s.left < 1 {
		return false
	}
	s.left--
	return true
}
