package harness

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics is one reading of a member's /metrics page.
type Metrics map[string]*dto.MetricFamily

// scrape reads a member's page.
func scrape(clientURL string) (Metrics, error) {
	client := http.Client{Timeout: 20 * time.Second}
	answer, err := client.Get(clientURL + "/metrics")
	if err != nil {
		return nil, fmt.Errorf("harness: %w", err)
	}
	defer answer.Body.Close()
	return parse(answer.Body)
}

func parse(r io.Reader) (Metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return nil, fmt.Errorf("harness: metrics page: %w", err)
	}
	return families, nil
}

// Value returns the sum of a counter or gauge over its labels, or 0 if the page has none.
func (m Metrics) Value(name string) float64 {
	sum := 0.0
	for _, x := range m[name].GetMetric() {
		sum += x.GetCounter().GetValue() + x.GetGauge().GetValue()
	}
	return sum
}

// A Histogram holds the observations between two readings.
type Histogram struct {
	Upper []float64 // upper bounds of the buckets, the last is +Inf
	Count []float64 // observations at or below each
	N     float64
	Sum   float64
}

// Since returns the difference of a histogram between an earlier reading and this one.
func (m Metrics) Since(before Metrics, name string) Histogram {
	var h Histogram
	now, then := m[name].GetMetric(), before[name].GetMetric()
	if len(now) == 0 {
		return h
	}
	a, b := now[0].GetHistogram(), &dto.Histogram{}
	if len(then) > 0 {
		b = then[0].GetHistogram()
	}
	h.N = float64(a.GetSampleCount()) - float64(b.GetSampleCount())
	h.Sum = a.GetSampleSum() - b.GetSampleSum()
	for i, bucket := range a.GetBucket() {
		count := float64(bucket.GetCumulativeCount())
		if i < len(b.GetBucket()) {
			count -= float64(b.GetBucket()[i].GetCumulativeCount())
		}
		h.Upper, h.Count = append(h.Upper, bucket.GetUpperBound()), append(h.Count, count)
	}
	return h
}

// Mean returns the mean observation in seconds.
func (h Histogram) Mean() float64 { return ratio(h.Sum, h.N) }

// Quantile interpolates within a bucket as Prometheus does.
func (h Histogram) Quantile(p float64) float64 {
	lower, below := 0.0, 0.0
	for i, upper := range h.Upper {
		if h.Count[i] >= p*h.N && h.Count[i] > below {
			if math.IsInf(upper, 1) {
				return lower
			}
			return lower + (upper-lower)*(p*h.N-below)/(h.Count[i]-below)
		}
		lower, below = upper, h.Count[i]
	}
	return lower
}

// ratio returns a/b, or 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
