package retry

import (
	"testing"
	"time"
)

// BenchmarkPredict: the issue allows 5 us.
func BenchmarkPredict(b *testing.B) {
	p := Pressure{Pods: 450, Wakes: 0.25, MessageChanges: 0.1, Latency: 8 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Predict(V1_37, p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTwoHours: 450 pods for two hours in steps of a second; the issue allows 5 ms.
func BenchmarkTwoHours(b *testing.B) {
	for _, c := range []struct {
		name          string
		version       Version
		wake, message int // every so many seconds; 0 never
	}{
		{"quiet", V1_37, 0, 0}, {"woken", V1_37, 4, 0}, {"churn", V1_37, 4, 4},
		{"woken/v1.29", V1_29, 4, 0}, {"churn/v1.29", V1_29, 4, 4}, {"fast-churn", V1_37, 1, 7},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var total Step
			for b.Loop() {
				q := newQueue(b, Config{Version: c.version})
				q.Add(450)
				for s := range 7200 {
					if c.wake > 0 && s%c.wake == 0 {
						q.Wake()
					}
					if c.message > 0 && s%c.message == 0 {
						q.SetMessage(s, ByFit|ByTaint)
					}
					q.Advance(time.Duration(s+1) * time.Second)
				}
				total = q.Total()
			}
			b.ReportMetric(float64(total.Attempts), "attempts")
			b.ReportMetric(float64(total.Writes()), "writes")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/2h")
		})
	}
}
