package sim

import "time"

// eventBuffer is the number of Events that client-go's broadcaster holds (tools/record/event.go,
// maxQueuedEvents x 2: queue and watch).
const eventBuffer = 2000

// recordEvents queues n Events on the controller's client. One goroutine posts them, one at a
// time.
func (lc *lifecycle) recordEvents(n int) {
	lc.events = min(lc.events+n, eventBuffer)
	if !lc.posting && lc.events > 0 {
		lc.posting = true
		lc.postEvent()
	}
}

// postEvent posts an Event.
func (lc *lifecycle) postEvent() { lc.askVia(&lc.limit, forNodeEvent, 0, 0) }

// eventPosted goes on with the next Event. One that failed in transport is tried again after 10 s.
func (lc *lifecycle) eventPosted(c code) {
	if c == refused || c == gaveUp {
		lc.at(lc.now+10*time.Second, evNodeEvent, 0, lc.electors.list[controllers].process)
		return
	}
	lc.posting = false
	lc.events--
	lc.recordEvents(0)
}
