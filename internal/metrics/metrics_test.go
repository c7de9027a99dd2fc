package metrics

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// whole is a short page as a component gives it.
const whole = `# HELP go_goroutines Number of goroutines that currently exist.
# TYPE go_goroutines gauge
go_goroutines 111
# HELP wait_seconds How long.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.001"} 5
wait_seconds_bucket{le="0.002"} 8
wait_seconds_bucket{le="1"} 8
wait_seconds_bucket{le="+Inf"} 9
wait_seconds_sum 1.25
wait_seconds_count 9
# HELP written_bytes_total Bytes.
# TYPE written_bytes_total counter
written_bytes_total{kind="a \"b\"\\\n"} 1e+06
written_bytes_total{kind="c"} 7
`

var families = []string{"wait_seconds", "written_bytes_total"}

func read(t testing.TB, pages ...string) []Target {
	t.Helper()
	targets, err := readAll(pages...)
	require.NoError(t, err)
	return targets
}

func readAll(pages ...string) ([]Target, error) {
	var readers []io.Reader
	for _, p := range pages {
		readers = append(readers, strings.NewReader(p))
	}
	return Read(readers, families...)
}

// assertWhole checks that a target shows what whole says.
func assertWhole(t *testing.T, target Target) {
	t.Helper()
	s := target.Last()
	h, err := s.Histogram("wait_seconds")
	require.NoError(t, err)
	assert.Equal(t, []float64{0.001, 0.002, 1, math.Inf(1)}, h.Upper)
	assert.Equal(t, []float64{5, 8, 8, 9}, h.Below)
	assert.Equal(t, 1.25, h.Sum)
	assert.Equal(t, 9.0, h.Count)
	written := s.Samples("written_bytes_total")
	require.Len(t, written, 2)
	assert.Equal(t, "a \"b\"\\\n", written[0].Label("kind"))
	assert.Equal(t, 1e6, written[0].Value)
	assert.Equal(t, 7.0, written[1].Value)
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func inUTF16(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// asJSON returns a page as Prometheus' API answers a query.
func asJSON(text string) string {
	var series []string
	p := newPage(0, nil, nil, nil)
	for line := range strings.Lines(text) {
		if line[0] == '#' {
			continue
		}
		name, rest, labels, _ := p.nameOf([]byte(strings.TrimSpace(line)))
		value, _, labels, _ := p.sample(rest, labels)
		metric := fmt.Sprintf("\"__name__\":%q", name)
		for _, l := range append(labels, Label{"instance", "a:1"}) {
			metric += fmt.Sprintf(",%q:%q", l.Name, l.Value)
		}
		series = append(series, fmt.Sprintf("{\"metric\":{%s},\"value\":[1700000000.5,\"%v\"]}", metric, value))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(series, ",") + `]}}`
}

// federated returns a page as /federate has it.
func federated(text, labels, ms string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		at := strings.LastIndexByte(line, ' ')
		switch name, rest, braces := strings.Cut(line[:at], "{"); {
		case strings.HasPrefix(line, "# HELP"):
		case line[0] == '#':
			b.WriteString(line[:at] + " untyped\n")
		case braces:
			b.WriteString(name + "{" + labels + "," + rest + strings.TrimSpace(line[at:]) + " " + ms + "\n")
		default:
			b.WriteString(name + "{" + labels + "} " + strings.TrimSpace(line[at:]) + " " + ms + "\n")
		}
	}
	return b.String()
}

func TestForms(t *testing.T) {
	samples := samplesOf(whole)
	openMetrics := strings.NewReplacer(
		"{le=\"1\"} 8\n", "{le=\"1.0\"} 8 # {trace_id=\"x # y\"} 0.67 1520879607.789\n",
		"wait_seconds_count 9\n", "wait_seconds_count 9\nwait_seconds_created 1.6e9\n",
		"\"c\"} 7\n", "\"c\"} 7.0 1700000000.123\n# EOF",
	).Replace(whole)
	const progress = "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n" +
		"                                 Dload  Upload   Total   Spent    Left  Speed\n" +
		"\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0" +
		"\r100  118k    0  118k    0     0  11.5M      0 --:--:-- --:--:-- --:--:-- 12.8M"
	headers := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", len(whole))
	for name, text := range map[string]string{
		"whole":              whole,
		"samples only":       samples,
		"CRLF":               strings.ReplaceAll(whole, "\n", "\r\n"),
		"BOM":                "\ufeff" + whole,
		"BOM and CRLF":       "\ufeff" + strings.ReplaceAll(whole, "\n", "\r\n"),
		"UTF-16 LE":          inUTF16(whole, binary.LittleEndian),
		"UTF-16 BE":          inUTF16(whole, binary.BigEndian),
		"gzip":               zipped(whole),
		"gzip twice":         zipped(zipped(whole)),
		"gzip of BOM":        zipped("\ufeff" + whole),
		"headers":            headers + whole,
		"headers of gzip":    "HTTP/2 200 \r\ncontent-encoding: gzip\r\n\r\n" + zipped(whole),
		"two headers":        "HTTP/1.1 100 Continue\r\n\r\n" + headers + whole,
		"redirected":         "HTTP/1.1 307 Moved\r\nContent-Length: 0\r\n\r\n" + headers + whole,
		"progress":           progress + whole,
		"progress, new line": progress + "\n" + whole,
		"prompt":             "$ kubectl get --raw /metrics\n" + whole + "$ \n",
		"container":          "Defaulted container \"etcd\" out of: etcd, init (init)\n" + whole,
		"OpenMetrics":        openMetrics,
		"blank lines":        "\n\n" + strings.ReplaceAll(whole, "\n", "\n\n"),
		"tabs, spaces":       strings.NewReplacer("} ", " } \t", "{le=", "{ le = ", "count 9", "count\t9 ").Replace(whole),
		"trailing comma":     strings.ReplaceAll(whole, "\"}", "\",}"),
		"quoted names":       strings.NewReplacer("written_bytes_total{", "{\"written_bytes_total\",").Replace(samples),
		"quoted first":       strings.NewReplacer("go_goroutines", "{\"go_goroutines\"}").Replace(samples),
		"timestamps":         strings.NewReplacer("9\n", "9 1700000000123\n").Replace(whole),
		"promtool": strings.NewReplacer(
			"} ", "} => ", "_sum ", "_sum => ", "9\n", "9 @[1700000000.123]\n",
		).Replace(samples),
		"federate":           federated(whole, `instance="a:1",job="etcd"`, "1700000000123"),
		"federate, shuffled": federated(shuffled(whole), `instance="a:1",job="etcd"`, "1700000000123"),
		"query":              asJSON(whole),
		"query, pretty":      "\ufeff\n" + strings.NewReplacer(",", ",\n  ", "{", "{\r\n").Replace(asJSON(whole)),
		"queries in a row":   asJSON(samples[:len(samples)/3*3]) + "\n",
		"two answers":        asJSON(before(samples, "wait_seconds_sum")) + "\n" + asJSON(from(samples, "wait_seconds_sum")),
		"query, zipped":      zipped(asJSON(whole)),
		"no count":           strings.ReplaceAll(samples, "wait_seconds_count 9\n", ""),
		"no +Inf":            strings.ReplaceAll(samples, "wait_seconds_bucket{le=\"+Inf\"} 9\n", ""),
	} {
		t.Run(name, func(t *testing.T) {
			targets := read(t, text)
			require.Len(t, targets, 1)
			require.Len(t, targets[0].Snapshots, 1)
			assertWhole(t, targets[0])
			if strings.HasPrefix(name, "federate") || strings.HasPrefix(name, "query") {
				assert.Equal(t, "a:1", targets[0].Name)
				assert.Equal(t, int64(1700000000), targets[0].Last().Time.Unix())
			}
		})
	}
}

// samplesOf returns a page without its comments.
func samplesOf(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line[0] != '#' {
			b.WriteString(line)
		}
	}
	return b.String()
}

func before(text, mark string) string { return text[:strings.Index(text, mark)] }
func from(text, mark string) string   { return text[strings.Index(text, mark):] }

// shuffled returns the samples in another order, as a federation may have them.
func shuffled(text string) string {
	var samples []string
	for line := range strings.Lines(text) {
		if line[0] != '#' {
			samples = append([]string{line}, samples...)
		}
	}
	return strings.Join(samples, "")
}

func TestTargets(t *testing.T) {
	at := func(labels string) string { return federated(whole, labels, "1700000000000") }
	for name, c := range map[string]struct {
		pages []string
		names []string
		each  int // snapshots
	}{
		"one page, no labels":  {[]string{whole}, []string{""}, 1},
		"two pages, no labels": {[]string{whole, whole}, []string{""}, 2},
		"instances": {
			[]string{at(`instance="b",job="x"`) + at(`instance="a",job="x"`)}, []string{"a", "b"}, 1,
		},
		"pods of one instance": {
			[]string{at(`instance="i",pod="2"`), at(`instance="i",pod="1"`)}, []string{"1", "2"}, 1,
		},
		"one by instance":   {[]string{at(`instance="i",pod="2"`)}, []string{"i"}, 1},
		"same target twice": {[]string{at(`instance="i"`), at(`instance="i"`)}, []string{"i"}, 2},
		"endpoints":         {[]string{at(`endpoint="x"`), at(`endpoint="y"`)}, []string{"x", "y"}, 1},
		"external labels":   {[]string{at(`instance="i",region="eu"`)}, []string{"i"}, 1},
		"only together unique": {
			[]string{at(`instance="i",pod="1"`), at(`instance="i",pod="2"`), at(`instance="j",pod="2"`)},
			[]string{"instance=i,pod=1", "instance=i,pod=2", "instance=j,pod=2"}, 1,
		},
		"halves of one target": {
			[]string{before(whole, "# HELP written"), from(whole, "# HELP written")}, []string{""}, 1,
		},
		"a query each": {
			[]string{asJSON(before(whole, "wait_seconds_sum")), asJSON(from(whole, "wait_seconds_sum"))},
			[]string{"a:1"}, 1,
		},
		"two times, two pages": {
			[]string{federated(whole, `pod="p"`, "1700000060000"), federated(whole, `pod="p"`, "1700000000000")},
			[]string{"p"}, 2,
		},
		"two times, one page": {
			[]string{federated(whole, `pod="p"`, "1700000060000") + federated(whole, `pod="p"`, "1700000000000")},
			[]string{"p"}, 2,
		},
		"with and without name": {[]string{whole, at(`instance="i"`)}, []string{"", "i"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			targets := read(t, c.pages...)
			var names []string
			for _, x := range targets {
				names = append(names, x.Name)
				require.Len(t, x.Snapshots, c.each)
				if x.Last().Has("written_bytes_total") {
					assert.Empty(t, x.Last().Samples("written_bytes_total")[0].Label("instance"))
				}
				if !x.First().Time.IsZero() && !x.Last().Time.IsZero() {
					assert.False(t, x.Last().Time.Before(x.First().Time))
				}
				if len(c.pages) < 3 {
					assertWhole(t, x)
				}
			}
			assert.Equal(t, c.names, names)
		})
	}
}

// A range gives its first and its last moment. A series that begins later is not in the first.
func TestRange(t *testing.T) {
	text := `{"status":"success","data":{"resultType":"matrix","result":[
{"metric":{"__name__":"written_bytes_total","kind":"a","instance":"i"},
"values":[[1700000000,"5"],[1700000030,"6"],[1700000060,"9"]]},
{"metric":{"__name__":"written_bytes_total","kind":"b","instance":"i"},"values":[[1700000030,"1"],[1700000060,"2"]]},
{"metric":{"__name__":"written_bytes_total","kind":"c","instance":"i"},"values":[[1700000000,"8"],[1700000030,"1"]]}]}}`
	target := read(t, text)[0]
	require.Len(t, target.Snapshots, 2)
	first, last := target.First(), target.Last()
	assert.Equal(t, time.Minute, last.Time.Sub(first.Time))
	require.Len(t, first.Samples("written_bytes_total"), 2)
	assert.Equal(t, 5.0, first.Samples("written_bytes_total")[0].Value)
	assert.Equal(t, 8.0, first.Samples("written_bytes_total")[1].Value)
	require.Len(t, last.Samples("written_bytes_total"), 2)
	assert.Equal(t, 9.0, last.Samples("written_bytes_total")[0].Value)
	assert.False(t, last.Samples("written_bytes_total")[0].Fell)
	assert.Equal(t, 2.0, last.Samples("written_bytes_total")[1].Value)
	assert.True(t, first.Samples("written_bytes_total")[1].Fell)
}

func TestMinus(t *testing.T) {
	later := strings.NewReplacer(
		"{le=\"1\"} 8", "{le=\"1\"} 18", "+Inf\"} 9", "+Inf\"} 20", "sum 1.25", "sum 3.5", "count 9", "count 20",
	).Replace(whole)
	target := read(t, whole, later)[0]
	h1, err := target.First().Histogram("wait_seconds")
	require.NoError(t, err)
	h2, err := target.Last().Histogram("wait_seconds")
	require.NoError(t, err)
	d, err := h2.Minus(h1, target.Last(), "wait_seconds")
	require.NoError(t, err)
	assert.Equal(t, []float64{0, 0, 10, 11}, d.Below)
	assert.Equal(t, 2.25, d.Sum)
	_, err = h1.Minus(h2, target.First(), "wait_seconds")
	require.EqualError(t, err, "metrics page 1: wait_seconds_sum is less than before, "+
		"want a sum that grows: was it restarted in between?")
}

// Requests to kube-apiserver by verb and resource, as churn is read from them.
func TestSamplesOfRequests(t *testing.T) {
	const name = "apiserver_request_total"
	const page = `# TYPE apiserver_request_total counter
apiserver_request_total{code="201",component="apiserver",group="",resource="pods",subresource="",verb="POST"} 7
apiserver_request_total{code="200",component="apiserver",group="",resource="pods",subresource="",verb="GET"} 9
`
	other := federated(page, `instance="b"`, "9")
	targets, err := Read([]io.Reader{strings.NewReader(page), strings.NewReader(other)}, name)
	require.NoError(t, err)
	require.Len(t, targets, 2)
	for i, instance := range []string{"", "b"} {
		assert.Equal(t, instance, targets[i].Name)
		requests := map[string]float64{}
		for _, s := range targets[i].Last().Samples(name) {
			requests[s.Label("verb")+" "+s.Label("resource")] = s.Value
		}
		assert.Equal(t, map[string]float64{"POST pods": 7, "GET pods": 9}, requests)
	}
}
