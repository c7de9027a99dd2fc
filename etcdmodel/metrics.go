package etcdmodel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// The metrics of etcd that are read here.
const (
	metricFsync    = "etcd_disk_wal_fsync_duration_seconds"
	metricCommit   = "etcd_disk_backend_commit_duration_seconds"
	metricWALBytes = "etcd_disk_wal_write_bytes_total"
	metricVersion  = "etcd_server_version"
)

// DiskFromMetrics reads the disk of a running etcd from its /metrics page. Fsync comes from the
// histogram etcd_disk_wal_fsync_duration_seconds and Commit from
// etcd_disk_backend_commit_duration_seconds, as counted since that etcd started. Size is the bytes
// of its mean fdatasync. Bandwidth stays zero because the histograms hold the cost of the bytes.
//
// The buckets double from 1 ms. The page does not show the distribution within one, but it has the
// mean. The distribution returned has exactly the page's share in every bucket and the page's
// mean. It is otherwise the least informative one: its density falls as exp(-lambda x).
//
// A page that lacks one of the histograms, was cut short, or contradicts itself gives an error
// that names the metric.
func DiskFromMetrics(r io.Reader) (Disk, error) {
	page, err := readPage(r)
	if err != nil {
		return Disk{}, err
	}
	fsync, err := page.histogram(metricFsync)
	if err != nil {
		return Disk{}, err
	}
	commit, err := page.histogram(metricCommit)
	if err != nil {
		return Disk{}, err
	}
	if fsync.n == 0 {
		return Disk{}, badMetric(metricFsync, "empty", "at least one fdatasync: ask an etcd that has been written to")
	}
	written, err := page.walBytes()
	if err != nil {
		return Disk{}, err
	}
	return Disk{
		Name:   "measured by etcd " + page.version(),
		Fsync:  fsync.knots(),
		Size:   int(min(written/fsync.n, MaxRequestBytes)),
		Commit: commit.knots(),
		Source: fmt.Sprintf("measured: %s, n = %.0f, and %s, n = %.0f", metricFsync, fsync.n, metricCommit, commit.n),
	}, nil
}

// A page is a /metrics page.
type page map[string]*dto.MetricFamily

// readPage parses a page whole.
func readPage(r io.Reader) (page, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("etcdmodel: metrics page: %w", err)
	}
	families, err := parsePage(text)
	if err == nil {
		return families, nil
	}
	var at expfmt.ParseError
	if errors.As(err, &at) {
		err = fmt.Errorf(
			"%w: metrics page: %s, line %d: %s, want the whole page of an etcd", ErrInput, metricAt(text, at.Line),
			at.Line, at.Msg,
		)
	}
	return nil, err
}

// parsePage parses a page with the Prometheus library. Fuzzing found that its parser panics on
// some lines that are not metrics ("# TYPE x histogram", then "{}"; v0.70.0). Those give an error
// here.
func parsePage(text []byte) (families page, err error) {
	defer func() {
		if p := recover(); p != nil {
			families, err = nil, fmt.Errorf(
				"%w: metrics page: the parser fails (%v), want the whole page of an etcd", ErrInput, p,
			)
		}
	}()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

// metricAt returns the name of the metric on a line of a page.
func metricAt(text []byte, line int) string {
	lines := strings.Split(string(text), "\n")
	for i := min(line, len(lines)) - 1; i >= 0; i-- {
		l := strings.TrimPrefix(strings.TrimPrefix(lines[i], "# HELP "), "# TYPE ")
		if name := l[:len(l)-len(strings.TrimLeft(l, nameBytes))]; name != "" {
			return name
		}
	}
	return "no metric"
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:"

func badMetric(metric, value, want string) error {
	return fmt.Errorf("%w: metrics page: %s is %s, want %s", ErrInput, metric, value, want)
}

// value returns the sum of a counter or gauge over its series.
func (p page) value(metric string) (float64, error) {
	if len(p[metric].GetMetric()) == 0 {
		return 0, badMetric(metric, "missing", "a counter or gauge")
	}
	sum := 0.0
	for _, m := range p[metric].GetMetric() {
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return 0, badMetric(metric, fmt.Sprint(sum), "a finite number")
	}
	return sum, nil
}

// version returns the version that the etcd reports, or "" if it does not say.
func (p page) version() string {
	for _, m := range p[metricVersion].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "server_version" {
				return l.GetValue()
			}
		}
	}
	return ""
}

// walBytes returns the bytes written to the WAL. 3.5 counts each of them twice (its
// server/storage/wal/encoder.go:107,125,133).
func (p page) walBytes() (float64, error) {
	bytes, err := p.value(metricWALBytes)
	if err != nil {
		return 0, err
	}
	if bytes < 0 {
		return 0, badMetric(metricWALBytes, fmt.Sprint(bytes), ">= 0")
	}
	if v, err := ParseVersion(p.version()); err == nil && v == V3_5 {
		bytes /= 2
	}
	return bytes, nil
}

// histogram reads a histogram and checks that it is whole.
func (p page) histogram(metric string) (buckets, error) {
	series := p[metric].GetMetric()
	if len(series) == 0 || series[0].GetHistogram() == nil {
		return buckets{}, badMetric(metric, "missing", "a histogram")
	}
	h := series[0].GetHistogram()
	if h.SampleCount == nil || h.SampleSum == nil {
		return buckets{}, badMetric(metric, "cut short", "its buckets, sum and count")
	}
	b := buckets{n: float64(h.GetSampleCount()), sum: h.GetSampleSum()}
	for _, bucket := range h.GetBucket() {
		b.upper = append(b.upper, bucket.GetUpperBound())
		b.below = append(b.below, float64(bucket.GetCumulativeCount()))
	}
	return b, b.check(metric)
}

// check returns an error if the histogram contradicts itself.
func (b buckets) check(metric string) error {
	last := len(b.upper) - 1
	if last < 1 || !math.IsInf(b.upper[last], 1) {
		return badMetric(metric, "cut short", "buckets up to +Inf")
	}
	for i := range b.upper {
		switch {
		case math.IsNaN(b.upper[i]) || b.upper[i] <= 0 || i > 0 && b.upper[i] <= b.upper[i-1]:
			return badMetric(metric, fmt.Sprintf("a histogram with a bucket to %v", b.upper[i]), "ascending bounds > 0")
		case i > 0 && b.below[i] < b.below[i-1]:
			return badMetric(
				metric,
				fmt.Sprintf("a histogram with %v below %v s and %v below %v s", b.below[i-1], b.upper[i-1], b.below[i], b.upper[i]),
				"cumulative counts",
			)
		case i < last && b.upper[i] > maxLatency.Seconds()/2:
			return badMetric(
				metric, fmt.Sprintf("a histogram with a bucket to %v s", b.upper[i]),
				fmt.Sprintf("seconds up to %v", maxLatency/2),
			)
		}
	}
	if b.below[last] != b.n {
		return badMetric(metric, fmt.Sprintf("a histogram of %v with %v below +Inf", b.n, b.below[last]), "the same")
	}
	if math.IsNaN(b.sum) || math.IsInf(b.sum, 0) || b.sum < 0 {
		return badMetric(metric+"_sum", fmt.Sprint(b.sum), "a finite number of seconds >= 0")
	}
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
