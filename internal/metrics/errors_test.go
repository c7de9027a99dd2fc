package metrics

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestErrors(t *testing.T) {
	line := func(with string) string { return strings.ReplaceAll(whole, "wait_seconds_bucket{le=\"1\"} 8\n", with) }
	for name, c := range map[string]struct{ text, want string }{
		"nothing": {"", "metrics page: empty, want metrics"},
		"blank":   {" \n\n", "metrics page: empty, want metrics"},
		"html": {
			"<html>\n<body>401</body>\n",
			`metrics page: without a metric: it begins with "<html>", want metrics`,
		},
		"words": {
			"Unauthorized\n", `metrics page: without a metric: it begins with "Unauthorized", want metrics`,
		},
		"other metrics": {
			"go_x 1\n",
			"metrics page: wait_seconds is missing, want it or another of the 2 families that are read",
		},
		"cut between": {
			"go_x 1\ngo_y{a=", "metrics page: cut short: line 2 is not whole, want all of it",
		},
		"cut at a comment": {
			before(whole, "wait_seconds_bucket"),
			"metrics page: wait_seconds is missing, and the page is cut short: it ends too early, want",
		},
		"cut in a sample": {
			before(whole, "\"} 1e+06"),
			"metrics page: cut short: line 14 ends within written_bytes_total, want all of it",
		},
		"cut in a number": {
			before(whole, "e+06"),
			"metrics page: cut short? Line 14 (written_bytes_total) has no line end, want all of it and a line end",
		},
		"cut gzip":        {zipped(whole)[:80], "metrics page: cut short, want all of it"},
		"cut gzip header": {zipped(whole)[:5], "metrics page: cut short, want all of it"},
		"cut JSON":        {asJSON(whole)[:300], "metrics page: cut short, want all of it"},
		"cut JSON at a series": {
			before(asJSON(whole), "{\"metric\":{\"__name__\":\"wait_seconds_sum"),
			"metrics page: cut short, want all of it",
		},
		"cut HTTP": {
			"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + whole,
			fmt.Sprintf("metrics page: cut short: %d bytes of the 9999 that Content-Length says", len(whole)),
		},
		"cut headers": {"HTTP/1.1 200 OK\r\nContent-", "metrics page: cut short within the headers of HTTP"},
		"HTTP error": {
			"HTTP/1.1 403 Forbidden\r\n\r\n{}",
			`metrics page: no page but the answer "HTTP/1.1 403 Forbidden"`,
		},
		"broken gzip": {"\x1f\x8b\x08\x00xxxxxxxxxxxxxxxxxx", "metrics page: "},
		"no number": {
			line("wait_seconds_bucket{le=\"1\"} lots\n"),
			"metrics page: wait_seconds_bucket, line 8: want a number, and a timestamp at most",
		},
		"hex": {
			line("wait_seconds_bucket{le=\"1\"} 0x8\n"),
			"metrics page: wait_seconds_bucket, line 8: want a number",
		},
		"no end of labels": {
			line("wait_seconds_bucket{le=\"1\n"),
			`metrics page: wait_seconds_bucket, line 8: want labels as {name="value"}`,
		},
		"no bound": {
			line("wait_seconds_bucket 8\n"),
			"metrics page: wait_seconds has a bucket without le, want its bound",
		},
		"bad bound": {
			line("wait_seconds_bucket{le=\"\x1b[31m\"} 8\n"),
			`metrics page: wait_seconds has a bucket with le="\x1b[31m", want a number`,
		},
		"label twice": {
			line("wait_seconds_bucket{le=\"1\",le=\"1\"} 8\n"),
			`metrics page: wait_seconds has the label "le" twice`,
		},
		"bucket twice": {
			line("wait_seconds_bucket{le=\"1\"} 8\nwait_seconds_bucket{le=\"1.0\"} 8\n"),
			"metrics page: wait_seconds is there twice at le=1, want it once: give each page on its own",
		},
		"page twice": {
			whole + whole,
			"metrics page: wait_seconds is there twice at le=0.001, want it once: give each page on its own",
		},
		"two timestamps": {
			line("wait_seconds_bucket{le=\"1\"} 8 1 2\n"), "want a number, and a timestamp at most",
		},
		"NaN timestamp": {
			line("wait_seconds_bucket{le=\"1\"} 8 NaN\n"), "want a number, and a timestamp at most",
		},
		"long line": {
			whole + strings.Repeat("x", maxLine+1),
			"metrics page: line 16 is longer than 262144 bytes, want metrics",
		},
		"not JSON": {
			"{\"a\":1,]",
			"metrics page: not JSON at byte 7, want metrics or the answer of Prometheus' /api/v1/query",
		},
		"other JSON": {
			`{"kind":"List"}`,
			"metrics page: JSON without data, want the answer of Prometheus' /api/v1/query",
		},
		"JSON list": {
			`[1]`,
			"metrics page: JSON that begins with no object, want the answer of Prometheus' /api/v1/query",
		},
		"prometheus error": {
			`{"status":"error","errorType":"bad_data","error":"parse\u001b error"}`,
			`metrics page: an error of Prometheus ("parse\x1b error"), want series`,
		},
		"scalar": {
			`{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`,
			`metrics page: the answer of a query for a "scalar", want a vector or a matrix`,
		},
		"no series": {
			`{"status":"success","data":{"resultType":"vector","result":[]}}`,
			"metrics page: wait_seconds is missing",
		},
		"rate": {
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"le":"1"},"value":[1,"2"]}]}}`,
			"metrics page: the answer of a query that lost the metric's name: ask for the metric, not for its rate() or sum()",
		},
		"JSON types": {
			`{"data":{"result":[{"metric":7}]}}`,
			"metrics page: JSON with a number for metric, want the answer of Prometheus' /api/v1/query",
		},
		"native": {
			`{"data":{"result":[{"metric":{"__name__":"wait_seconds"},"histogram":[1,{}]}]}}`,
			"metrics page: wait_seconds is a native histogram, want one with buckets",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readAll(c.text)
			var known *Error
			require.ErrorAs(t, err, &known)
			assert.ErrorContains(t, err, c.want)
			assertPrintable(t, err)
			_, err = readAll(whole, c.text)
			assert.ErrorContains(t, err, strings.Replace(c.want, "page:", "page 2:", 1))
		})
	}
}

func assertPrintable(t *testing.T, err error) {
	t.Helper()
	assert.Less(t, len(err.Error()), 400)
	for _, r := range err.Error() {
		assert.True(t, r >= ' ' && r < 0x7f, "%q in %q", r, err)
	}
}

func TestHistogramErrors(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"falling": {
			"{le=\"1\"} 8", "{le=\"1\"} 7",
			"wait_seconds is a histogram with 8 below 0.002 and 7 below 1, want cumulative counts",
		},
		"negative": {
			"{le=\"0.001\"} 5", "{le=\"0.001\"} -5",
			"wait_seconds_bucket is -5 at le=0.001, want a count from 0 to 2^53",
		},
		"NaN": {
			"{le=\"0.001\"} 5", "{le=\"0.001\"} NaN",
			"wait_seconds_bucket is NaN at le=0.001, want a count from 0 to 2^53",
		},
		"huge": {
			"{le=\"0.001\"} 5", "{le=\"0.001\"} 1e300",
			"wait_seconds_bucket is 1e+300 at le=0.001, want a count from 0 to 2^53",
		},
		"out of it": {
			"{le=\"0.001\"} 5", "{le=\"0.001\"} 1e999",
			"wait_seconds_bucket is +Inf at le=0.001, want a count from 0 to 2^53",
		},
		"NaN sum":     {"sum 1.25", "sum NaN", "wait_seconds_sum is NaN, want a number >= 0"},
		"Inf sum":     {"sum 1.25", "sum +Inf", "wait_seconds_sum is +Inf, want a finite number >= 0"},
		"minus sum":   {"sum 1.25", "sum -1", "wait_seconds_sum is -1, want a finite number >= 0"},
		"NaN count":   {"count 9", "count NaN", "wait_seconds_count is NaN, want a number >= 0"},
		"other count": {"count 9", "count 10", "wait_seconds is a histogram of 10 with 9 below +Inf, want the same"},
		"no buckets": {
			"wait_seconds_bucket", "x",
			"wait_seconds is cut short, want its buckets up to +Inf, its sum and its count",
		},
		"two of them": {
			"count 9\n", "count 9\nwait_seconds_bucket{shard=\"b\",le=\"1\"} 8\n",
			"wait_seconds is cut short, want its buckets up to +Inf, its sum and its count",
		},
	} {
		s := read(t, strings.ReplaceAll(whole, c.old, c.new))[0].Last()
		_, err := s.Histogram("wait_seconds")
		require.EqualError(t, err, "metrics page: "+c.want, name)
	}
	for text, want := range map[string]string{
		"wait_seconds_count 3\n":               "wait_seconds is without buckets, want its buckets too",
		"wait_seconds_bucket{le=\"1\"} 8\n":    "wait_seconds is cut short, want its bucket +Inf or its count",
		"wait_seconds_bucket{le=\"+Inf\"} 8\n": "wait_seconds is cut short, want two buckets or more",
		"wait_seconds{quantile=\"1\"} 8\n":     "wait_seconds is a summary, want a histogram with buckets",
	} {
		_, err := read(t, text)[0].Last().Histogram("wait_seconds")
		require.EqualError(t, err, "metrics page: "+want)
	}
	two := samplesOf(whole) + "wait_seconds_bucket{shard=\"b\",le=\"1\"} 8\nwait_seconds_count{shard=\"b\"} 8\n"
	_, err := read(t, two)[0].Last().Histogram("wait_seconds")
	require.EqualError(
		t, err,
		`metrics page: wait_seconds is 2 histograms, one and one with shard="b", want one for each instance or pod`,
	)
}

// What the reader itself says is not an error of the page.
func TestReaderFails(t *testing.T) {
	broken := errors.New("broken pipe")
	_, err := Read([]io.Reader{io.MultiReader(strings.NewReader(whole), iotest.ErrReader(broken))}, families...)
	require.ErrorIs(t, err, broken)
	var known *Error
	require.NotErrorAs(t, err, &known)
	_, err = Read([]io.Reader{nil}, families...)
	require.EqualError(t, err, "metrics page: nil, want a reader")
	_, err = Read([]io.Reader{strings.NewReader(whole)})
	require.EqualError(t, err, "metrics page: the list of families is empty, want one or more")
}

// endless yields a text again and again.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

// Whatever comes, it ends, and what is kept has a bound.
func TestEndless(t *testing.T) {
	series := 0
	numbered := readerFunc(func(b []byte) (int, error) {
		series++
		return copy(b, fmt.Sprintf("written_bytes_total{kind=\"%0200d\"} 1\n", series)), nil
	})
	for name, c := range map[string]struct {
		r    io.Reader
		want string
	}{
		"zeros":   {&endless{text: "\x00"}, "line 1 is longer than 262144 bytes"},
		"junk":    {&endless{text: "some junk, line after line, of no use \xff\n"}, "longer than 4 MiB"},
		"samples": {&endless{text: "go_x{a=\"b\"} 1\n"}, "longer than 4 MiB"},
		"JSON":    {&endless{text: " [[[[ "}, "JSON that begins with no object"},
		"series":  {numbered, "too long: more than 4096 series or 1 MiB of written_bytes_total and the like"},
	} {
		p := newPage(0, nil, families, wanted(families))
		p.limits = limits{bytes: 4 << 20, kept: 1 << 20, samples: 1 << 12}
		require.ErrorContains(t, p.read(c.r), c.want, name)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
