package kubeops

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// BenchmarkSize sizes a running pod, and a custom resource as a dump has it.
func BenchmarkSize(b *testing.B) {
	for name, object := range map[string]runtime.Object{
		"pod": PodRunning(), "custom": &runtime.Unknown{Raw: []byte(widgetJSON)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Size(object); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInventory counts a dump of 1,000 pods with managedFields, and without.
func BenchmarkInventory(b *testing.B) {
	for _, hidden := range []bool{false, true} {
		var dump []runtime.Object
		for i := range 1000 {
			pod := PodRunning()
			pod.Name = fmt.Sprint("pod-", i)
			if hidden {
				pod.ManagedFields = nil
			}
			dump = append(dump, pod)
		}
		b.Run(fmt.Sprintf("hidden=%v", hidden), func(b *testing.B) {
			for b.Loop() {
				if _, err := (Storage{}).Inventory(dump...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/object")
		})
	}
}

// BenchmarkChurn reads two pages of 5 MB.
func BenchmarkChurn(b *testing.B) {
	var page strings.Builder
	for i := range 200 {
		page.WriteString(requestLine("GET", "example.com", fmt.Sprint("resource", i), "", "200", "", i))
		for range 10 {
			fmt.Fprintf(&page, "apiserver_request_duration_seconds_bucket{resource=\"a%d\",verb=\"GET\",le=\"0.5\"} %d\n", i, i)
		}
	}
	other := "apiserver_request_duration_seconds_bucket{resource=\"a\",verb=\"GET\",version=\"v1\",le=\"0.5\"} 1\n"
	text := page.String() + strings.Repeat(other, 50_000)
	b.SetBytes(int64(2 * len(text)))
	for b.Loop() {
		if _, err := ChurnFromMetrics(strings.NewReader(text), strings.NewReader(text), time.Second); err != nil {
			b.Fatal(err)
		}
	}
}
