package proxymodel

import (
	"fmt"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// Target: 10,000 services of 10 endpoints in at most 50 ms.
func BenchmarkCount(b *testing.B) {
	o := uniform(10_000, 10)
	for _, m := range modes {
		b.Run(m.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Count(m, V1_37, testNode, o.Services, o.Slices); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(o.Services))*float64(b.N)/b.Elapsed().Seconds(), "services/s")
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/count")
		})
	}
}

// Target: a recount after one changed service among 10,000 in at most 20 us, and the rules of the
// next sync with it.
func BenchmarkCounter(b *testing.B) {
	o := uniform(10_000, 10)
	for _, m := range modes {
		c, err := NewCounter(m, V1_37, testNode, o.Services, o.Slices)
		if err != nil {
			b.Fatal(err)
		}
		var slices [2]*discoveryv1.EndpointSlice
		for i := range slices {
			slices[i] = o.Slices[42].DeepCopy()
			slices[i].ResourceVersion = fmt.Sprint(i)
			slices[i].Endpoints[3].Addresses = []string{ip(0x0a700000, i)}
		}
		b.Run(m.String()+"/slice", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if err := c.Apply(slices[i%2]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N), "us/change")
		})
		b.Run(m.String()+"/service", func(b *testing.B) {
			for b.Loop() {
				if err := c.Apply(o.Services[42]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N), "us/change")
		})
		b.Run(m.String()+"/sync", func(b *testing.B) {
			at := time.Duration(0)
			for i := 0; b.Loop(); i++ {
				at += time.Millisecond
				if err := c.Apply(slices[i%2]); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Sync(at); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N), "us/sync")
		})
	}
}
