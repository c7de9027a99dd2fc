package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// FuzzRead: whatever the page, the answer is an error of printable text, or targets whose
// histograms hold what they promise.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		whole, asJSON(whole), zipped(whole), "HTTP/1.1 200 OK\r\n\r\n" + whole, federated(whole, `pod="a"`, "17"),
		"\xff\xfew\x00a\x00", "{\"wait_seconds\"} 1\n", "wait_seconds_bucket{le=\"1\"} 1 # {} 1\n# EOF",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		targets, err := Read([]io.Reader{bytes.NewReader(text), strings.NewReader(whole)}, families...)
		var known *Error
		if errors.As(err, &known) {
			assertPrintable(t, err)
			return
		}
		require.NoError(t, err)
		for _, target := range targets {
			for _, s := range target.Snapshots {
				s.Samples("written_bytes_total")
				all, err := s.Histograms("wait_seconds")
				if err != nil {
					assertPrintable(t, err)
					continue
				}
				for _, h := range all {
					last := len(h.Upper) - 1
					require.GreaterOrEqual(t, last, 1)
					require.True(t, math.IsInf(h.Upper[last], 1))
					require.Equal(t, h.Count, h.Below[last])
				}
			}
		}
	})
}

// pages are whole pages to read beside Prometheus' own reader.
func pages(t testing.TB) map[string]string {
	out := map[string]string{"whole": whole, "large": large(200)}
	for _, name := range []string{"etcd-3.5.35-2", "etcd-3.6.16-2"} {
		text, err := os.ReadFile("../../etcdmodel/testdata/" + name + ".txt")
		require.NoError(t, err)
		out[name] = string(text)
	}
	return out
}

// TestBesideExpfmt reads whole pages as Prometheus' own reader does.
func TestBesideExpfmt(t *testing.T) {
	for name, text := range pages(t) {
		t.Run(name, func(t *testing.T) { besideExpfmt(t, text) })
	}
}

// FuzzBesideExpfmt: where Prometheus' own reader takes a page, both read the same.
func FuzzBesideExpfmt(f *testing.F) {
	f.Add(whole)
	f.Fuzz(func(t *testing.T, text string) { besideExpfmt(t, text) })
}

// joined is a name that its value follows without a blank, which expfmt takes.
var joined = regexp.MustCompile(`(?m)^[ \t]*[a-zA-Z_:][\w:]*[^\w:{ \t\n]`)

func besideExpfmt(t *testing.T, text string) {
	theirs, err := parse(text)
	if err != nil || len(theirs) == 0 || strings.ContainsAny(text, "\r\x00") || joined.MatchString(text) {
		return // ours is the more lenient
	}
	var names []string
	for family := range theirs {
		names = append(names, family)
	}
	targets, err := Read([]io.Reader{strings.NewReader(text)}, names...)
	if err != nil || len(targets) != 1 || len(targets[0].Snapshots) != 1 {
		return // duplicates and several moments, which expfmt lets pass
	}
	s := targets[0].Last()
	for family, f := range theirs {
		switch f.GetType() {
		case dto.MetricType_HISTOGRAM:
			sameHistograms(t, s, family, f)
		case dto.MetricType_COUNTER, dto.MetricType_GAUGE, dto.MetricType_UNTYPED:
			ours := map[string]float64{}
			for _, x := range s.Samples(family) {
				ours[labelText(x.Labels)] = x.Value
			}
			for _, m := range f.GetMetric() {
				value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
				got, ok := ours[theirText(m)]
				require.True(t, ok, "%s %s", family, theirText(m))
				require.True(t, got == value || math.IsNaN(got) && math.IsNaN(value), "%s: %v, want %v", family, got, value)
			}
		}
	}
}

func parse(text string) (f map[string]*dto.MetricFamily, err error) {
	defer func() {
		if p := recover(); p != nil { // on "# TYPE x histogram" and "{}", v0.70.0
			err = fmt.Errorf("%v", p)
		}
	}()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(strings.NewReader(text))
}

func sameHistograms(t *testing.T, s Snapshot, family string, f *dto.MetricFamily) {
	all, err := s.Histograms(family)
	if err != nil {
		return // expfmt does not check them
	}
	ours := map[string]Histogram{}
	for _, h := range all {
		ours[labelText(h.Labels)] = h
	}
	for _, m := range f.GetMetric() {
		h, ok := ours[theirText(m)]
		if !ok {
			continue // one that has only labels of the target
		}
		if m.GetHistogram().SampleSum != nil {
			require.Equal(t, m.GetHistogram().GetSampleSum(), h.Sum)
		}
		for _, b := range m.GetHistogram().GetBucket() {
			found := false
			for i, bound := range h.Upper {
				found = found || bound == b.GetUpperBound() && uint64(h.Below[i]) == b.GetCumulativeCount()
			}
			require.True(t, found, "%s: bucket %v", family, b)
		}
	}
}

func labelText(labels []Label) string { return fmt.Sprintf("%q", labels) }

func theirText(m *dto.Metric) string {
	var labels []Label
	for _, l := range m.GetLabel() {
		if !isTargetLabel[l.GetName()] {
			labels = append(labels, Label{l.GetName(), l.GetValue()})
		}
	}
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return labelText(labels)
}

// large returns a page of a kube-apiserver's kind with n histograms of 60 lines, some 8 KB each.
func large(n int) string {
	var b strings.Builder
	const name = "apiserver_request_duration_seconds"
	fmt.Fprintf(&b, "# HELP %s Latency.\n# TYPE %s histogram\n", name, name)
	for i := range n {
		labels := fmt.Sprintf(`component="apiserver",dry_run="",group="g%d",resource="pods",scope="resource",verb="GET"`, i)
		for j := range 57 {
			fmt.Fprintf(&b, "%s_bucket{%s,version=\"v1\",le=\"%v\"} %d\n", name, labels, float64(j+1)/8, 100*j)
		}
		fmt.Fprintf(&b, "%s_bucket{%s,version=\"v1\",le=\"+Inf\"} 9999\n", name, labels)
		fmt.Fprintf(&b, "%s_sum{%s,version=\"v1\"} 123.456\n", name, labels)
		fmt.Fprintf(&b, "%s_count{%s,version=\"v1\"} 9999\n", name, labels)
	}
	b.WriteString(whole)
	return b.String()
}

// BenchmarkRead reads a page of 5 MB for what etcdmodel would ask, for one of its many histograms,
// and with Prometheus' own reader.
func BenchmarkRead(b *testing.B) {
	text := large(560)
	for name, c := range map[string]struct {
		text string
		run  func(string) error
	}{
		"few":    {text, func(s string) error { return justRead(s, families...) }},
		"all":    {text, func(s string) error { return justRead(s, "apiserver_request_duration_seconds") }},
		"gzip":   {zipped(text), func(s string) error { return justRead(s, families...) }},
		"json":   {asJSON(text), func(s string) error { return justRead(s, families...) }},
		"expfmt": {text, func(s string) error { _, err := parse(s); return err }},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if err := c.run(c.text); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(text))/1e6, "MB")
		})
	}
}

func justRead(text string, families ...string) error {
	_, err := Read([]io.Reader{strings.NewReader(text)}, families...)
	return err
}
