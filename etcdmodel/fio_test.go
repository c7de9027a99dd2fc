package etcdmodel

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fioSample returns one of fio's outputs: written by hand in the form of the version that it names.
func fioSample(t testing.TB, name string) string {
	text, err := os.ReadFile("testdata/fio/" + name)
	require.NoError(t, err)
	return string(text)
}

// Packed outputs, and those that PowerShell wrote, are read as the plain ones.
func TestDiskFromPackedFio(t *testing.T) {
	for _, name := range []string{"recipe.txt", "recipe.json"} {
		text := fioSample(t, name)
		want, err := DiskFromFio(strings.NewReader(text))
		require.NoError(t, err)
		var packed, wide bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = z.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		wide.WriteString("\xff\xfe")
		for _, r := range utf16.Encode([]rune(text)) {
			wide.Write([]byte{byte(r), byte(r >> 8)})
		}
		for form, r := range map[string]io.Reader{
			"gzip": &packed, "UTF-16": &wide, "cut": bytes.NewReader(packed.Bytes()[:packed.Len()/2]),
		} {
			got, err := DiskFromFio(r)
			if form == "cut" {
				require.Error(t, err, name)
				continue
			}
			require.NoError(t, err, "%s, %s", name, form)
			assert.Equal(t, want, got, "%s, %s", name, form)
		}
	}
}

func TestDiskFromFio(t *testing.T) {
	text, report := fioSample(t, "recipe.txt"), fioSample(t, "recipe.json")
	only := report[strings.Index(report, "{"):]
	excerpt := text[strings.Index(text, "  fsync/"):strings.Index(text, "  cpu ")]
	inMilliseconds := strings.NewReplacer(
		"sync percentiles (usec)", "sync percentiles (msec)", "[  799]", "[    1]", "[  906]", "[    1]", "[  996]",
		"[    1]",
	).Replace(text)
	for i, old := range []string{
		"1123", "1221", "1319", "1418", "1532", "1680", "1909", "2376", "2966", "5145", "7046", "14222", "19006", "31589",
	} {
		rounded := []string{"2", "2", "2", "2", "2", "2", "2", "3", "3", "6", "8", "15", "20", "32"}[i]
		inMilliseconds = strings.ReplaceAll(inMilliseconds, old+"]", rounded+"]")
	}
	for name, c := range map[string]struct {
		text     string
		p50, p99 time.Duration
		size     int
		source   string
	}{
		"text": {text, 1418 * time.Microsecond, 5145 * time.Microsecond, 2300, "n = 10029"},
		"CRLF": {
			strings.ReplaceAll(text, "\n", "\r\n"), 1418 * time.Microsecond, 5145 * time.Microsecond, 2300,
			"",
		},
		"quoted": {
			"> " + strings.ReplaceAll(text, "\n", "\n> "), 1418 * time.Microsecond, 5145 * time.Microsecond,
			2300, "",
		},
		"on one line": {
			strings.Join(strings.Fields(excerpt), " "), 1418 * time.Microsecond, 5145 * time.Microsecond,
			2300, "no block size: 2300 bytes",
		},
		"excerpt": {
			excerpt, 1418 * time.Microsecond, 5145 * time.Microsecond, 2300, "no block size: 2300 bytes",
		},
		"milliseconds": {inMilliseconds, 2 * time.Millisecond, 6 * time.Millisecond, 2300, "rounded to 1ms"},
		"settings of 2": {
			strings.Replace(text, "bs=(R) 2300B-2300B, (W) 2300B-2300B, (T) 2300B-2300B", "bs=4K-4K/8K-8K/4K-4K", 1),
			1418 * time.Microsecond, 5145 * time.Microsecond, 8192, "",
		},
		"two per sync": {
			strings.Replace(text, "10029,0,10029", "10029,0,5014", 1), 1418 * time.Microsecond,
			5145 * time.Microsecond, 4600, "n = 5014",
		},
		"normal,json": {text + "\n" + only, 1417216, 5144576, 2300, "n = 10028"},
		"json":        {only, 1417216, 5144576, 2300, "n = 10028"},
		"noted json":  {report, 1417216, 5144576, 2300, ""},
		"BOM":         {"\ufeff" + only, 1417216, 5144576, 2300, ""},
		"json, 4k":    {strings.Replace(only, `"bs" : "2300"`, `"bs" : "16k,4k"`, 1), 1417216, 5144576, 4096, ""},
		"json, no bs": {strings.Replace(only, `"bs" : "2300"`, `"x" : ""`, 1), 1417216, 5144576, 2300, ""},
		"beside readers": {
			strings.Replace(only, `"jobs" : [`, `"jobs" : [{"jobname" : "reads", "sync" : {"lat_ns" : {"N" : 0}}},`, 1),
			1417216, 5144576, 2300, "",
		},
		"O_SYNC of 2.x": {
			fioSample(t, "osync-2.json"), 5120 * time.Microsecond, 21760 * time.Microsecond, 4096,
			"writes that sync (no syncs reported)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := DiskFromFio(strings.NewReader(c.text))
			require.NoError(t, err)
			require.NoError(t, d.Check("Disk"))
			assert.Equal(t, c.p50, d.FsyncQuantile(0.5))
			assert.Equal(t, c.p99, d.FsyncQuantile(0.99))
			assert.Equal(t, c.size, d.orDefault().Size)
			assert.Contains(t, d.Source, c.source)
			assert.Nil(t, d.Commit)
			assert.Positive(t, d.FsyncQuantile(0))
			assert.Equal(t, 1.0, d.Fsync[len(d.Fsync)-1].P)
		})
	}
	d, err := DiskFromFio(strings.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, "measured by fio-3.36", d.Name)
	assert.Equal(t, 31500*time.Microsecond, d.FsyncQuantile(1), "31.5k, below what its bucket ends at")
	assert.Equal(t, 702*time.Microsecond, d.FsyncQuantile(0))
	assert.InEpsilon(t, 1612.4, float64(d.FsyncMean().Microseconds()), 0.05, "fio's own mean")
}

func TestBadFio(t *testing.T) {
	text, report := fioSample(t, "recipe.txt"), fioSample(t, "recipe.json")
	report = report[strings.Index(report, "{"):]
	block := text[strings.Index(text, "etcd: (groupid"):strings.Index(text, "Run status")]
	job := report[strings.Index(report, `{
      "jobname"`):strings.Index(report, "\n  ],")]
	with := func(old, new string) string { return strings.Replace(text, old, new, 1) }
	inJSON := func(old, new string) string { return strings.Replace(report, old, new, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"empty": {
			"",
			"no percentiles of syncs, want the text or JSON of fio 3.5 or newer, run with --fdatasync=1",
		},
		"no syncs": {text[:strings.Index(text, "  fsync/")], "no percentiles of syncs"},
		"terse":    {"3;fio-3.36;etcd;0;0;0;0;0;0;0;0", "no percentiles of syncs"},
		"two jobs": {
			text + strings.Replace(block, "etcd: (", "more: (", 1),
			`2 jobs sync ("etcd", "more" ...), want one`,
		},
		"four processes": {with("jobs=1)", "jobs=4)"), `job "etcd" has 4 processes, want one: etcd has one writer`},
		"failed":         {with("err= 0", "err=28"), `job "etcd" ended with error "28"`},
		"cut": {
			text[:strings.Index(text, "30.00th")+12], "a table of syncs that is cut short, want all of it",
		},
		"falling": {
			with("[ 1532]", "[ 1000]"), "the percentile 50 is 1.418ms and 60 is 1ms, want them to rise",
		},
		"huge": {
			with("[ 1532]", "[99999999999999]"), "a latency of 9.9999999999999e+13 x 1µs, want 0 to 24h",
		},
		"percentile 300":  {strings.ReplaceAll(text, "99.99th", "300.0th"), "a percentile 300, want 0 to 100"},
		"cut JSON":        {report[:900], "JSON that is cut short, want all of it"},
		"other JSON":      {`{"jobs": 7}`, "JSON of another kind, want that of --output-format=json"},
		"no jobs":         {`{"kind": "List"}`, "no percentiles of syncs"},
		"JSON, two jobs":  {inJSON(job, job+", "+job), "2 jobs sync"},
		"JSON, processes": {inJSON(`"name" : "etcd"`, `"numjobs" : "3"`), `job "etcd" has 3 processes`},
		"JSON, failed":    {inJSON(`"error" : 0`, `"error" : 28`), `ended with error "28"`},
		"JSON, negative":  {inJSON(`: 798720`, `: -5`), "a latency of -5 x 1ns, want 0 to 24h"},
		"JSON, share":     {inJSON(`"1.000000"`, `"-1.0"`), `a percentile "-1.0", want 0 to 100`},
		"JSON, NaN":       {inJSON(`"1.000000"`, `"NaN"`), `a percentile "NaN", want 0 to 100`},
		"long":            {strings.Repeat("x", maxFio+1), "longer than 16 MiB, want one run"},
		"name": {
			strings.ReplaceAll(with("jobs=1)", "jobs=2)"), "etcd: (", "e\x1b[31m\u202e: ("),
			`job "e\x1b[31m\u202e" has 2 processes`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DiskFromFio(strings.NewReader(c.text))
			require.ErrorIs(t, err, ErrInput)
			assert.ErrorContains(t, err, "etcdmodel: fio output: ")
			assert.ErrorContains(t, err, c.want)
			assert.Less(t, len(err.Error()), 300)
		})
	}
	broken := errors.New("broken pipe")
	_, err := DiskFromFio(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	require.NotErrorIs(t, err, ErrInput)
}

// Whatever fio is said to have printed, the answer is an error or a valid disk.
func FuzzDiskFromFio(f *testing.F) {
	for _, name := range []string{"recipe.txt", "recipe.json", "osync-2.json"} {
		f.Add(fioSample(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := DiskFromFio(strings.NewReader(text))
		if err != nil {
			require.ErrorIs(t, err, ErrInput)
			return
		}
		require.NoError(t, d.Check("Disk"))
		require.NotEmpty(t, d.Fsync)
		_, err = json.Marshal(d)
		require.NoError(t, err)
	})
}
