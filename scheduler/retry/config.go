package retry

import "time"

// Config holds the settings of a scheduler and its API server's Event settings. The zero value is
// stock kube-scheduler of the newest modelled version.
type Config struct {
	Version Version

	// Attempt is the time one scheduling attempt takes without its API calls;
	// zero means DefaultAttempt.
	Attempt time.Duration

	QPS        float64 // of the client that patches and binds; zero means 50
	Burst      int     // of the same; zero means 100
	EventQPS   float64 // of the client that writes Events; zero means 50
	EventBurst int     // of the same; zero means 100

	InitialBackoff time.Duration // zero means 1 s
	MaxBackoff     time.Duration // zero means 10 s
	Flush          time.Duration // the longest stay in the unschedulable pool; zero means 5 min
	EventTTL       time.Duration // kube-apiserver's --event-ttl; zero means 1 h
}

// Defaults of kube-scheduler: pkg/scheduler/apis/config/v1/defaults.go (client
// connection), pkg/scheduler/backend/queue/scheduling_queue.go (backoff, flush).
const (
	DefaultQPS            = 50
	DefaultBurst          = 100
	DefaultInitialBackoff = time.Second
	DefaultMaxBackoff     = 10 * time.Second
	DefaultFlush          = 5 * time.Minute
	DefaultEventTTL       = time.Hour

	// DefaultAttempt is the time of one attempt of an unschedulable pod on 100 nodes, preemption's
	// dry run included. The median of 2,700 in validation/controlplane was 0.28 ms, on 2 cores of an
	// AMD EPYC shared with other builds.
	DefaultAttempt = 300 * time.Microsecond

	// backoff_queue.go, waitUntilAlignedWithOrderingWindow; scheduling_queue.go, Run, in v1.29.
	backoffTick  = time.Second
	flushCheck   = 30 * time.Second         // scheduling_queue.go, Run
	finishIdle   = 6 * time.Minute          // client-go tools/events/event_broadcaster.go, finishTime
	refreshEvery = 30 * time.Minute         // the same, refreshTime
	eventTries   = 12                       // the same, maxTriesPerEvent
	eventSleep   = 11250 * time.Millisecond // the mean of wait.Jitter(10 s, 0.25)
)

// tickSlip is the lateness of each tick of v1.29's timer of one second. The timer is set anew when
// its work is done (wait.Until), so its lateness adds up. In 170 ticks of the real v1.29.2
// (validation/controlplane, 450 pods) it was 1.46 ms on average, 1.17 ms in the quieter third of
// them. It matters because a pod that is tried less than ten slips before a tick is due at the
// tenth tick after it, and not at the eleventh.
const tickSlip = 1200 * time.Microsecond

// backoffTimer returns how often the scheduler looks for pods whose backoff has ended.
func backoffTimer(v Version) time.Duration {
	if v == V1_29 {
		return backoffTick + tickSlip
	}
	return backoffTick
}

func (c Config) withDefaults() Config {
	set := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.Attempt, DefaultAttempt)
	set(&c.InitialBackoff, DefaultInitialBackoff)
	set(&c.MaxBackoff, DefaultMaxBackoff)
	set(&c.Flush, DefaultFlush)
	set(&c.EventTTL, DefaultEventTTL)
	c.QPS, c.Burst = client(c.QPS, c.Burst)
	c.EventQPS, c.EventBurst = client(c.EventQPS, c.EventBurst)
	return c
}

func client(qps float64, burst int) (float64, int) {
	if qps == 0 {
		qps = DefaultQPS
	}
	if burst == 0 {
		burst = DefaultBurst
	}
	return qps, burst
}

func (c Config) check() error {
	for _, err := range []error{
		within("Config.Attempt", c.Attempt, time.Microsecond, mostTime),
		within("Config.InitialBackoff", c.InitialBackoff, time.Millisecond, mostTime),
		within("Config.MaxBackoff", c.MaxBackoff, time.Millisecond, mostTime),
		within("Config.Flush", c.Flush, time.Second, mostTime),
		within("Config.EventTTL", c.EventTTL, time.Second, mostTime),
		within("Config.QPS", c.QPS, leastRate, mostRate), within("Config.Burst", c.Burst, 0, mostRate),
		within("Config.EventQPS", c.EventQPS, leastRate, mostRate), within("Config.EventBurst", c.EventBurst, 0, mostRate),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// backoff returns how long a pod with so many attempts backs off: 1, 2, 4, 8, 10 s.
func (c *Config) backoff(tries int) time.Duration {
	d := c.InitialBackoff
	for i := 1; i < tries; i++ {
		if d > c.MaxBackoff-d {
			return c.MaxBackoff
		}
		d += d
	}
	return min(d, c.MaxBackoff)
}
