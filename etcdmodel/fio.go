package etcdmodel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redline-go/redline/internal/metrics"
)

// DiskFromFio reads a disk from what fio printed: its normal text, its JSON (--output-format=json
// or json+), or both; plain or gzipped. The etcd project's own recipe for a disk is
//
//	fio --rw=write --ioengine=sync --fdatasync=1 --directory=DIR --size=22m --bs=2300 --name=etcd
//
// Fsync is fio's distribution of syncs, with its least and its greatest at the ends. Size is the
// bytes written from one sync to the next. Commit and Bandwidth stay zero, since one block size
// shows no bandwidth.
//
// fio before 3.5 does not report syncs. A job that opened its file with O_SYNC or O_DSYNC (--sync)
// has them within its writes, so that the completion latency of these is taken, and Source says so.
// Any other output without syncs gives an error.
//
// Of several jobs in one output, the one that syncs is read. Several of them give an error, and so
// do several processes of one job, since they wait for each other.
func DiskFromFio(r io.Reader) (Disk, error) {
	if r == nil {
		return Disk{}, badFio("nil, want a reader")
	}
	in, err := metrics.Unpack(r, maxFio+1)
	if err != nil {
		return Disk{}, fmt.Errorf("etcdmodel: fio output: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFio+1))
	if err != nil {
		return Disk{}, fmt.Errorf("etcdmodel: fio output: %w", err)
	}
	if len(text) > maxFio {
		return Disk{}, badFio("longer than %d MiB, want one run", maxFio>>20)
	}
	jobs, err := fioJobs(text)
	if err != nil {
		return Disk{}, err
	}
	job, err := theFioJob(jobs)
	if err != nil {
		return Disk{}, err
	}
	return job.disk()
}

const maxFio = 16 << 20

func badFio(format string, args ...any) error {
	return fmt.Errorf("%w: fio output: %s", ErrInput, fmt.Sprintf(format, args...))
}

// A fioJob holds the figures of one job, or of a group of equal ones.
type fioJob struct {
	name, version string
	processes     int
	failed        string // as fio says it
	syncs, writes fioLatency
	block         float64 // bytes of a write; 0 if not said
	perSync       float64 // writes from one sync to the next
	within        bool    // the writes sync, too
}

// A fioLatency is one of fio's distributions.
type fioLatency struct {
	knots    []Quantile
	min, max time.Duration
	n        float64       // 0 if not said
	unit     time.Duration // of the percentiles
}

// fioJobs reads JSON if there is any, and text otherwise.
func fioJobs(text []byte) ([]fioJob, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if at := braceAt(text); at >= 0 {
		return fioJSON(text[at:])
	}
	return fioText(string(text))
}

// braceAt returns where a line that begins with a brace does; -1 if none does.
func braceAt(text []byte) int {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return bytes.IndexByte(text, '{')
	}
	if i := bytes.Index(text, []byte("\n{")); i >= 0 {
		return i + 1
	}
	return -1
}

// theFioJob returns the one job that syncs, or the one whose writes do.
func theFioJob(jobs []fioJob) (fioJob, error) {
	for _, has := range []func(fioJob) bool{
		func(j fioJob) bool { return len(j.syncs.knots) > 0 },
		func(j fioJob) bool { return j.within && len(j.writes.knots) > 0 },
	} {
		var found []fioJob
		for _, j := range jobs {
			if has(j) {
				found = append(found, j)
			}
		}
		switch {
		case len(found) > 1:
			return fioJob{}, badFio(
				"%d jobs sync (%s, %s ...), want one", len(found), metrics.Show(found[0].name), metrics.Show(found[1].name),
			)
		case len(found) == 1 && found[0].processes > 1:
			return fioJob{}, badFio(
				"job %s has %d processes, want one: etcd has one writer", metrics.Show(found[0].name), found[0].processes,
			)
		case len(found) == 1 && found[0].failed != "":
			return fioJob{}, badFio("job %s ended with error %s", metrics.Show(found[0].name), metrics.Show(found[0].failed))
		case len(found) == 1:
			return found[0], nil
		}
	}
	return fioJob{}, badFio("no percentiles of syncs, want the text or JSON of fio 3.5 or newer, run with --fdatasync=1")
}

// disk returns the job's disk.
func (j fioJob) disk() (Disk, error) {
	from, what := j.syncs, "syncs"
	if len(from.knots) == 0 {
		from, what = j.writes, "writes that sync (no syncs reported)"
	}
	knots, err := from.whole()
	if err != nil {
		return Disk{}, err
	}
	d := Disk{Name: strings.TrimSpace("measured by " + clean(j.version, "fio")), Fsync: knots}
	source := "measured: " + what
	if from.n > 0 {
		source += fmt.Sprintf(", n = %.0f", from.n)
	}
	if from.unit >= time.Millisecond {
		source += fmt.Sprintf("; percentiles are rounded to %v", from.unit)
	}
	if size := j.block * max(1, j.perSync); size >= 1 {
		d.Size = int(min(math.Round(size), math.MaxInt32))
	} else {
		source += fmt.Sprintf("; no block size: %d bytes are assumed", fioBlock)
	}
	d.Source = source + "; no backend commits and no bandwidth"
	return d, d.Check("fio output: Disk")
}

// clean returns a text that is printable and short, or another.
func clean(text, otherwise string) string {
	if text == "" || len(text) > 20 || metrics.Show(text) != `"`+text+`"` {
		return otherwise
	}
	return text
}

// whole returns the percentiles from the least to the greatest.
func (l fioLatency) whole() ([]Quantile, error) {
	knots := slices.Clone(l.knots)
	slices.SortStableFunc(knots, func(a, b Quantile) int {
		switch {
		case a.P < b.P:
			return -1
		case a.P > b.P:
			return 1
		}
		return 0
	})
	knots = slices.CompactFunc(knots, func(a, b Quantile) bool { return a.P == b.P })
	if l.max > 0 { // a percentile is the upper end of its bucket and may lie beyond the greatest
		for i := range knots {
			knots[i].Latency = min(knots[i].Latency, l.max)
		}
		if knots[len(knots)-1].P < 1 {
			knots = append(knots, Quantile{1, l.max})
		}
	}
	if first := knots[0]; l.min > 0 && first.P > 0 && l.min <= first.Latency {
		knots = append([]Quantile{{0, l.min}}, knots...)
	}
	for i, k := range knots {
		if i > 0 && k.Latency < knots[i-1].Latency {
			return nil, badFio(
				"the percentile %g is %v and %g is %v, want them to rise", 100*knots[i-1].P, knots[i-1].Latency, 100*k.P, k.Latency,
			)
		}
	}
	return knots, nil
}

// fioReport is fio's JSON. 3.x has nanoseconds, 2.x microseconds.
type fioReport struct {
	Version string            `json:"fio version"`
	Options map[string]string `json:"global options"`
	Jobs    []struct {
		Name    string            `json:"jobname"`
		Error   int               `json:"error"`
		Options map[string]string `json:"job options"`
		Write   fioSide           `json:"write"`
		Sync    fioSide           `json:"sync"`
	} `json:"jobs"`
}

// A fioSide is the writes or the syncs of a job.
type fioSide struct {
	Bytes float64  `json:"io_bytes"`
	Total float64  `json:"total_ios"`
	Clat  fioTimes `json:"clat_ns"`
	Lat   fioTimes `json:"lat_ns"`
	Old   fioTimes `json:"clat"` // microseconds
}

type fioTimes struct {
	Min, Max    float64
	N           float64
	Percentiles map[string]float64 `json:"percentile"`
}

func fioJSON(text []byte) ([]fioJob, error) {
	var report fioReport
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&report); err != nil {
		if strings.Contains(err.Error(), "unexpected E") {
			return nil, badFio("JSON that is cut short, want all of it")
		}
		return nil, badFio("JSON of another kind, want that of --output-format=json")
	}
	var jobs []fioJob
	for _, j := range report.Jobs {
		job := fioJob{name: j.Name, version: report.Version, processes: 1}
		if n, err := strconv.Atoi(report.option(j.Options, "numjobs")); err == nil && n > 1 && len(report.Jobs) == 1 {
			job.processes = n
		}
		if j.Error != 0 {
			job.failed = strconv.Itoa(j.Error)
		}
		var err error
		if job.syncs, err = j.Sync.Lat.latency(time.Nanosecond); err != nil {
			return nil, err
		}
		if job.writes, err = j.Write.Clat.latency(time.Nanosecond); err == nil && len(job.writes.knots) == 0 {
			job.writes, err = j.Write.Old.latency(time.Microsecond)
		}
		if err != nil {
			return nil, err
		}
		sync := report.option(j.Options, "sync")
		job.within = sync != "" && sync != "0" && sync != "none"
		job.block, job.perSync = fioBytes(report.option(j.Options, "bs", "blocksize")), 1
		if job.block == 0 && j.Write.Total > 0 {
			job.block = j.Write.Bytes / j.Write.Total
		}
		if n := max(j.Sync.Total, j.Sync.Lat.N); n > 0 && !job.within {
			job.perSync = j.Write.Total / n
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// option returns the first of the names that a job's options or those of all jobs have.
func (r *fioReport) option(own map[string]string, names ...string) string {
	for _, name := range names {
		for _, from := range []map[string]string{own, r.Options} {
			if v := from[name]; v != "" {
				return v
			}
		}
	}
	return ""
}

// latency returns a distribution in a unit. One of nothing has no knots.
func (t fioTimes) latency(unit time.Duration) (fioLatency, error) {
	l := fioLatency{n: t.N, unit: unit}
	var err error
	if l.min, err = fioTime(t.Min, unit); err != nil {
		return l, err
	}
	if l.max, err = fioTime(t.Max, unit); err != nil || l.max == 0 {
		return l, err // nothing was measured
	}
	for p, x := range t.Percentiles {
		share, err := strconv.ParseFloat(p, 64)
		if err != nil || share == 0 && x == 0 {
			continue // 2.x fills its list up with these
		}
		if !(share >= 0 && share <= 100) {
			return l, badFio("a percentile %s, want 0 to 100", metrics.Show(p))
		}
		d, err := fioTime(x, unit)
		if err != nil {
			return l, err
		}
		l.knots = append(l.knots, Quantile{share / 100, d})
	}
	return l, nil
}

func fioTime(x float64, unit time.Duration) (time.Duration, error) {
	if !(x >= 0 && x <= float64(maxLatency/unit)) {
		return 0, badFio("a latency of %v x %v, want 0 to 24h", x, unit)
	}
	return time.Duration(x * float64(unit)), nil
}

// fioBytes returns the mean of the block sizes of writes that an option names; 0 if it does not:
// "2300", "4k", "4096B", "read,write", "least-greatest".
func fioBytes(option string) float64 {
	kinds := strings.Split(option, ",")
	one := kinds[0]
	if len(kinds) > 1 && kinds[1] != "" {
		one = kinds[1]
	}
	sum, n := 0.0, 0.0
	for part := range strings.SplitSeq(one, "-") {
		part = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(strings.TrimSpace(part)), "b"), "i")
		scale := 1.0
		for i, unit := range []string{"k", "m", "g"} {
			if rest, ok := strings.CutSuffix(part, unit); ok {
				part, scale = rest, float64(int(1)<<(10*(i+1)))
			}
		}
		x, err := strconv.ParseFloat(part, 64)
		if err != nil || !(x > 0 && x*scale <= math.MaxInt32) {
			return 0
		}
		sum, n = sum+x*scale, n+1
	}
	return sum / n
}
