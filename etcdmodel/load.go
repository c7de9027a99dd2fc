package etcdmodel

import (
	"cmp"
	"fmt"
	"time"
)

// Stream is one class of requests that arrives on its own, as a Poisson process.
type Stream struct {
	Name string
	Op   Op
	Rate float64 // requests/s

	// Keys is the number of distinct keys that the stream writes over and over. Zero means a new key
	// every time. Deletes have no Keys: they take keys that streams without Keys have created, and
	// keys of [State], in proportion to what lives.
	Keys int
	// TTL is the life of a key that is attached to a lease (kube-apiserver's Events: one hour).
	// Zero means that keys stay until a stream deletes them. A stream with Keys writes them again
	// before their lease ends, so that its TTL does not count.
	TTL time.Duration
}

// Load is a set of requests to etcd: Streams that arrive on their own (open), or Clients that each
// send Op, wait for the answer and send the next (closed), or both.
type Load struct {
	Streams []Stream
	Clients int
	Op      Op
	Keys    int // distinct keys the clients write; zero means a new key every time

	// For is the time that Predict measures, after a warm-up of a tenth of it and a second at least.
	// Zero means 10 s, doubled until 1,000 writes and 1,000 reads have ended, as far as the load has
	// both, and an hour at most.
	For time.Duration
	// Limits sets what the load asks of etcd: Prediction.Holds says whether it gets that.
	Limits Limits
	// LeaderOnly sends every request to the leader. False spreads them over all members.
	LeaderOnly bool
	// RoundRobin has a closed client send each request to the next member, as an etcd client with
	// several endpoints does. False keeps it at its member, as kube-apiserver keeps to the etcd
	// beside it. A slow member then slows only its own clients.
	RoundRobin bool

	// Assumed lists the assumptions of [LoadFromMetrics] where its pages do not say. No answer depends
	// on it.
	Assumed []string
}

// maxRequests bounds one simulation: some minutes of computing.
const maxRequests = 1e9

// Check returns an error that names the first invalid field of the load.
func (l Load) Check() error {
	for i, s := range l.Streams {
		if err := s.check(fmt.Sprintf("Load.Streams[%d]", i)); err != nil {
			return err
		}
	}
	if err := checkAll("Load", loadLimits, &l); err != nil {
		return err
	}
	rate := 0.0
	for _, s := range l.Streams {
		rate += s.Rate
	}
	if n := rate * cmp.Or(l.For, 10*time.Second).Seconds(); n > maxRequests {
		return bad("Load.For", l.For, fmt.Sprintf("%.0g requests at most, not %.0g", maxRequests, n))
	}
	if err := l.Op.Check("Load.Op"); err != nil {
		return err
	}
	if len(l.Streams) == 0 && l.Clients == 0 {
		return bad("Load", "empty", "Streams or Clients")
	}
	return nil
}

func (s Stream) check(field string) error {
	if err := s.Op.Check(field + ".Op"); err != nil {
		return err
	}
	return checkAll(field, streamLimits, &s)
}
