package metrics

import (
	"fmt"
	"math"
)

// A Histogram is a histogram of a page: the counts at or below ascending bounds, the last +Inf.
type Histogram struct {
	Labels []Label // without those of the target
	Upper  []float64
	Below  []float64
	Count  float64
	Sum    float64 // NaN where the page has none, as an excerpt may
	Fell   bool    // a count fell within the page's range: the component was restarted
	nan    string  // the part that is NaN on the page, which is not the same as absent
}

// Histogram returns the histogram of a family that has no labels of its own.
func (s Snapshot) Histogram(family string) (Histogram, error) {
	all, err := s.Histograms(family)
	switch {
	case err != nil:
		return Histogram{}, err
	case len(all) == 0:
		return Histogram{}, s.Missing(family, "a histogram")
	case len(all) > 1:
		return Histogram{}, s.Bad(
			family, fmt.Sprintf("%d histograms, one%s and one%s", len(all), describe(all[0].Labels), describe(all[1].Labels)),
			"one for each instance or pod",
		)
	}
	return all[0], nil
}

// Histograms returns the histograms of a family, in the order of their labels. It returns an error
// for one that contradicts itself.
//
// An excerpt may lack the sum, and the count or the bucket +Inf, which are equal.
func (s Snapshot) Histograms(family string) ([]Histogram, error) {
	var out []Histogram
	at := map[string]int{}
	for _, x := range s.series[family] { // buckets first, ascending; then sums, then counts
		if x.part == partValue {
			if valueOf(x.own.labels, "quantile") != "" {
				return nil, s.Bad(family, "a summary", "a histogram with buckets")
			}
			continue
		}
		key := x.own.key
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Histogram{Labels: x.own.labels, Count: math.NaN(), Sum: math.NaN()})
		}
		out[i].take(x)
	}
	for i := range out {
		if err := out[i].finish(s, family); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (h *Histogram) take(x *series) {
	switch x.part {
	case partBucket:
		h.Upper, h.Below = append(h.Upper, x.le), append(h.Below, x.value)
		h.Fell = h.Fell || x.fell
	case partSum:
		h.Sum = x.value
		if math.IsNaN(x.value) {
			h.nan = "_sum"
		}
	case partCount:
		h.Count = x.value
		if math.IsNaN(x.value) {
			h.nan = "_count"
		}
		h.Fell = h.Fell || x.fell
	}
}

// finish fills in what an excerpt lacks, and checks.
func (h *Histogram) finish(s Snapshot, family string) error {
	last := len(h.Upper) - 1
	inf := last >= 0 && math.IsInf(h.Upper[last], 1)
	switch {
	case h.nan != "":
		return s.Bad(family+h.nan, "NaN", "a number >= 0")
	case s.histograms[family] && (math.IsNaN(h.Count) || math.IsNaN(h.Sum) || !inf):
		return s.Bad(family, "cut short", "its buckets up to +Inf, its sum and its count")
	case last < 0:
		return s.Bad(family, "without buckets", "its buckets too")
	case math.IsNaN(h.Count) && !inf:
		return s.Bad(family, "cut short", "its bucket +Inf or its count")
	case math.IsNaN(h.Count):
		h.Count = h.Below[last]
	case !inf:
		h.Upper, h.Below = append(h.Upper, math.Inf(1)), append(h.Below, h.Count)
	}
	return h.check(s, family)
}

// maxCount bounds a count: beyond it a float64 holds no whole numbers.
const maxCount = 1 << 53

func (h Histogram) check(s Snapshot, family string) error {
	last := len(h.Upper) - 1
	for i, n := range h.Below {
		switch {
		case math.IsNaN(n) || n < 0 || n > maxCount:
			return s.Bad(family+"_bucket", fmt.Sprintf("%v at le=%v", n, h.Upper[i]), "a count from 0 to 2^53")
		case i > 0 && n < h.Below[i-1]:
			return s.Bad(
				family, fmt.Sprintf("a histogram with %v below %v and %v below %v", h.Below[i-1], h.Upper[i-1], n, h.Upper[i]),
				"cumulative counts",
			)
		}
	}
	switch {
	case last < 1:
		return s.Bad(family, "cut short", "two buckets or more")
	case h.Below[last] != h.Count:
		return s.Bad(family, fmt.Sprintf("a histogram of %v with %v below +Inf", h.Count, h.Below[last]), "the same")
	case math.IsInf(h.Sum, 0) || h.Sum < 0:
		return s.Bad(family+"_sum", fmt.Sprint(h.Sum), "a finite number >= 0")
	}
	return nil
}

// Minus returns what was observed between an earlier histogram and this one. s and family name them
// in an error: that of a count that fell, as after a restart, or of other buckets.
func (h Histogram) Minus(earlier Histogram, s Snapshot, family string) (Histogram, error) {
	out := Histogram{Labels: h.Labels, Upper: h.Upper, Count: h.Count - earlier.Count, Sum: h.Sum - earlier.Sum}
	if len(earlier.Upper) != len(h.Upper) {
		return out, s.Bad(family, fmt.Sprintf("of %d buckets", len(h.Upper)), fmt.Sprintf("%d as before", len(earlier.Upper)))
	}
	if out.Sum < 0 {
		return out, s.Bad(family+"_sum", "less than before", "a sum that grows: was it restarted in between?")
	}
	previous := 0.0
	for i, n := range h.Below {
		if h.Upper[i] != earlier.Upper[i] {
			return out, s.Bad(
				family, fmt.Sprintf("with a bucket to %v", h.Upper[i]), fmt.Sprintf("%v as before", earlier.Upper[i]),
			)
		}
		d := n - earlier.Below[i]
		if d < previous || h.Fell {
			return out, s.Bad(
				family, fmt.Sprintf("less than before below %v", h.Upper[i]),
				"counts that grow: was it restarted in between, or are these two components?",
			)
		}
		previous = d
		out.Below = append(out.Below, d)
	}
	return out, nil
}
