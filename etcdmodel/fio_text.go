package etcdmodel

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The lines of fio's text that are read. Mail and forums quote them, join them and indent them.
var (
	fioVersion = regexp.MustCompile(`\bfio-[0-9][-.\w]*`)
	// A job's setting, of 3.x: bs=(R) 2300B-2300B, (W) 2300B-2300B, and of 2.x: bs=4K-4K/4K-4K/4K-4K.
	fioBlocks = regexp.MustCompile(`\bbs=(?:\(R\) *\S+, *\(W\) *([^,\s]+)|([^/,\s]+)/([^/,\s]+))`)
	fioHead   = regexp.MustCompile(`([^\s:]+): \(groupid=\d+, jobs=(\d+)\): err= *(\d+)`)
	fioSpread = regexp.MustCompile(`(\w*) *\(([mun]?sec)\) *: *min= *([\d.]+[kMG]?), max= *([\d.]+[kMG]?)`)
	fioTable  = regexp.MustCompile(`(\w+) percentiles \(([mun]?sec)\):`)
	fioKnot   = regexp.MustCompile(`^[\s|>]*(\d+(?:\.\d+)?)th=\[ *>?=?([\d.]+[kMG]?) *\],?`)
	fioIssued = regexp.MustCompile(`issued rwts?: *total=\d+,(\d+),\d+(?:,(\d+))?`)
)

var fioUnits = map[string]time.Duration{
	"nsec": time.Nanosecond, "usec": time.Microsecond, "msec": time.Millisecond, "sec": time.Second,
}

// fioText reads fio's normal output, or a part of it that has percentiles.
func fioText(text string) ([]fioJob, error) {
	heads := fioHead.FindAllStringSubmatchIndex(text, -1)
	front := text
	if len(heads) > 0 {
		front = text[:heads[0][0]]
	}
	block := 0.0
	if m := fioBlocks.FindStringSubmatch(front); m != nil {
		block = fioBytes(m[1] + m[3])
	}
	var jobs []fioJob
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		job := fioJob{name: text[h[2]:h[3]], block: block}
		job.processes, _ = strconv.Atoi(text[h[4]:h[5]])
		if code := text[h[6]:h[7]]; code != "0" {
			job.failed = code
		}
		if err := job.read(text[h[1]:end]); err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	if len(heads) == 0 { // an excerpt
		job := fioJob{name: "fio", processes: 1, block: block}
		if err := job.read(text); err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	for i := range jobs {
		jobs[i].version = fioVersion.FindString(front)
	}
	return jobs, nil
}

// read reads the part of the text that is the job's own.
func (j *fioJob) read(text string) error {
	for _, at := range fioTable.FindAllStringSubmatchIndex(text, -1) {
		if text[at[2]:at[3]] != "sync" {
			continue
		}
		if len(j.syncs.knots) > 0 {
			return badFio("several tables of syncs, want one job")
		}
		j.syncs.unit = fioUnits[text[at[4]:at[5]]]
		rest := text[at[1]:]
		for m := fioKnot.FindStringSubmatch(rest); m != nil; m = fioKnot.FindStringSubmatch(rest) {
			p, _ := strconv.ParseFloat(m[1], 64)
			d, err := fioTime(fioNumber(m[2]), j.syncs.unit)
			if err != nil {
				return err
			}
			if p > 100 {
				return badFio("a percentile %v, want 0 to 100", p)
			}
			j.syncs.knots = append(j.syncs.knots, Quantile{p / 100, d})
			rest = rest[len(m[0]):]
		}
		rest = strings.TrimLeft(rest, " |>\n\r\t")
		if rest != "" && rest[0] >= '0' && rest[0] <= '9' || len(j.syncs.knots) == 0 {
			return badFio("a table of syncs that is cut short, want all of it")
		}
	}
	for _, m := range fioSpread.FindAllStringSubmatch(text, -1) {
		if m[1] != "sync" {
			continue
		}
		var err error
		if j.syncs.min, err = fioTime(fioNumber(m[3]), fioUnits[m[2]]); err != nil {
			return err
		}
		if j.syncs.max, err = fioTime(fioNumber(m[4]), fioUnits[m[2]]); err != nil {
			return err
		}
	}
	if m := fioIssued.FindStringSubmatch(text); m != nil {
		writes, _ := strconv.ParseFloat(m[1], 64)
		if syncs, _ := strconv.ParseFloat(m[2], 64); syncs > 0 {
			j.perSync, j.syncs.n = writes/syncs, syncs
		}
	}
	return nil
}

// fioNumber reads a number that may end in k, M or G: 5729.7k.
func fioNumber(text string) float64 {
	scale := 1.0
	for i, unit := range []string{"k", "M", "G"} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			text, scale = rest, []float64{1e3, 1e6, 1e9}[i]
		}
	}
	x, _ := strconv.ParseFloat(text, 64)
	return x * scale
}
