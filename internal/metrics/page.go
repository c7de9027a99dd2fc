package metrics

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A part is the role of a series in its family.
type part int

const (
	partValue part = iota
	partBucket
	partSum
	partCount
)

// A role is a family and a part of it: what a sample's name says.
type role struct {
	family string
	part   part
}

// wanted returns the role of each name that a sample of the families can have.
func wanted(families []string) map[string]role {
	want := map[string]role{}
	for _, f := range families {
		want[f+"_bucket"] = role{f, partBucket}
		want[f+"_sum"] = role{f, partSum}
		want[f+"_count"] = role{f, partCount}
	}
	for _, f := range families { // a family of its own before another's part
		want[f] = role{f, partValue}
	}
	return want
}

// A series is one series of a page. Of its values over time it keeps the first and the last.
type series struct {
	role
	own    []Label // without those of the target, without le; by name
	ownKey string
	target []Label
	le     float64

	value float64 // the last
	time  int64   // ms of it; 0 where the page does not say
	// start and startTime are the first value and its time.
	start     float64
	startTime int64
	n         int
	fell      bool
}

// A page holds what is kept of one page.
type page struct {
	index, pages int
	families     []string
	want         map[string]role
	series       map[string]*series
	kept         int
	lines        int // that look like a sample, wanted or not
	cut          bool
	key          []byte // scratch
}

func (p *page) bad(format string, args ...any) error {
	return &Error{pageNumber(p.index, p.pages), fmt.Sprintf(format, args...)}
}

// read reads a page in whatever form it has.
func (p *page) read(r io.Reader) error {
	if r == nil {
		return p.bad("nil, want a reader")
	}
	source := &source{r: &limited{r, maxBytes}}
	in, whole, err := open(source)
	if err == nil {
		err = p.parse(in)
	}
	var known *Error
	switch {
	case errors.As(err, &known):
		return err
	case source.err != nil:
		return fmt.Errorf("metrics page: %w", source.err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return p.bad("cut short, want all of it")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return p.bad("broken: %v", err)
	case err != nil:
		return p.bad("%v", err)
	}
	if err := whole(); err != nil {
		return p.bad("%v", err)
	}
	if len(p.series) == 0 {
		return p.empty()
	}
	return nil
}

// empty returns the error for a page that has none of the families.
func (p *page) empty() error {
	s := Snapshot{Page: p.index, Cut: p.cut, pages: p.pages}
	if len(p.families) == 0 {
		return s.Bad("the list of families", "empty", "one or more")
	}
	want := "it"
	if n := len(p.families) - 1; n > 0 {
		want = fmt.Sprintf("it or another of the %d families that are read", n+1)
	}
	return s.Missing(p.families[0], want)
}

// source remembers the error of the reader given, to tell it from those of a broken page.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errTooLong) {
		s.err = err
	}
	return n, err
}

// parse reads the page as JSON or as text.
func (p *page) parse(in *bufio.Reader) error {
	for {
		c, err := in.Peek(1)
		if errors.Is(err, io.EOF) {
			return p.bad("empty, want metrics")
		}
		if err != nil {
			return err
		}
		switch c[0] {
		case ' ', '\t', '\r', '\n':
			_, _ = in.Discard(1)
			continue
		case '{', '[':
			return p.parseBrace(in)
		}
		return p.parseText(in)
	}
}

// add keeps one sample. labels holds le too, where it is a bucket's; it is sorted here.
func (p *page) add(r role, labels []Label, value float64, ms int64, bytes int) error {
	if p.kept += bytes; p.kept > maxKept || len(p.series) >= maxSamples {
		return p.bad("too long: more than %d series or %d MiB of %s and the like", maxSamples, maxKept>>20, r.family)
	}
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	le := math.NaN()
	key := append(append(p.key[:0], r.family...), byte(r.part))
	for i, l := range labels {
		if i > 0 && labels[i-1].Name == l.Name {
			return p.bad("%s has the label %s twice", r.family, Show(l.Name))
		}
		if l.Name == "le" && r.part == partBucket {
			bound, err := strconv.ParseFloat(l.Value, 64)
			if err != nil || math.IsNaN(bound) {
				return p.bad("%s has a bucket with le=%s, want a number", r.family, Show(l.Value))
			}
			le = bound
			l.Value = strconv.FormatFloat(bound, 'g', -1, 64)
		}
		key = append(append(append(append(key, l.Name...), 0), l.Value...), 1)
	}
	p.key = key
	if r.part == partBucket && math.IsNaN(le) {
		return p.bad("%s has a bucket without le, want its bound", r.family)
	}
	s := p.series[string(key)]
	if s == nil {
		s = &series{role: r, le: le}
		for _, l := range labels {
			switch {
			case isTargetLabel[l.Name]:
				s.target = append(s.target, l)
			case l.Name != "le" || r.part != partBucket:
				s.own = append(s.own, l)
			}
		}
		s.ownKey = keyOf(s.own)
		p.series[string(key)] = s
	}
	return p.point(s, value, ms)
}

// point adds a value to a series.
func (p *page) point(s *series, value float64, ms int64) error {
	switch {
	case s.n == 0:
		s.start, s.startTime, s.value, s.time = value, ms, value, ms
	case ms == s.time || ms == s.startTime:
		bound := ""
		if s.part == partBucket {
			bound = fmt.Sprintf(" at le=%v", s.le)
		}
		return p.bad("%s is there twice%s%s, want it once: give each page on its own", s.family, bound, describe(s.own))
	case ms > s.time:
		s.fell = s.fell || value < s.value
		s.value, s.time = value, ms
	case ms < s.startTime:
		s.fell = s.fell || value > s.start
		s.start, s.startTime = value, ms
	}
	s.n++
	return nil
}

// describe names a series by its labels, for an error.
func describe(labels []Label) string {
	if len(labels) == 0 {
		return ""
	}
	var b strings.Builder
	for i, l := range labels {
		if i == 3 {
			b.WriteString(", ...")
			break
		}
		b.WriteString(map[bool]string{true: " with ", false: ", "}[i == 0] + clip(l.Name) + "=" + Show(l.Value))
	}
	return b.String()
}

// clip returns a name that is known to be one, shortened.
func clip(name string) string {
	if quoted := Show(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// targets returns the page's targets by key.
func (p *page) targets() map[string]Target {
	by := map[string][]*series{}
	for _, s := range p.series {
		key := keyOf(s.target)
		by[key] = append(by[key], s)
	}
	out := map[string]Target{}
	for key, all := range by {
		slices.SortFunc(all, func(a, b *series) int { return compare(*a, *b) })
		out[key] = Target{Labels: all[0].target, Snapshots: p.snapshots(all)}
	}
	return out
}

// compare orders the series of a family: buckets before sums before counts.
func compare(a, b series) int {
	return cmp.Or(cmp.Compare(a.part, b.part), strings.Compare(a.ownKey, b.ownKey), cmp.Compare(a.le, b.le))
}

func keyOf(labels []Label) string {
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.Name + "\x00" + l.Value + "\x01")
	}
	return b.String()
}

// snapshots returns the one moment of a target's series, or the first and the last of a range.
func (p *page) snapshots(all []*series) []Snapshot {
	from, to, ranged := int64(math.MaxInt64), int64(math.MinInt64), false
	for _, s := range all {
		from, to = min(from, s.startTime), max(to, s.time)
		ranged = ranged || s.n > 1
	}
	last := p.snapshot(to)
	if !ranged {
		for _, s := range all {
			last.keep(s, s.value)
		}
		return []Snapshot{last}
	}
	first := p.snapshot(from)
	for _, s := range all {
		if s.startTime == from { // a later series was not there yet
			first.keep(s, s.start)
		}
		if s.time == to { // an earlier one ended
			last.keep(s, s.value)
		}
	}
	return []Snapshot{first, last}
}

func (p *page) snapshot(ms int64) Snapshot {
	s := Snapshot{Page: p.index, pages: p.pages, Cut: p.cut, series: map[string][]series{}}
	if ms != 0 {
		s.Time = time.UnixMilli(ms).UTC()
	}
	return s
}

func (s Snapshot) keep(x *series, value float64) {
	one := *x
	one.value = value
	s.series[x.family] = append(s.series[x.family], one)
}
