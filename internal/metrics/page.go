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

// A set is a set of labels, by name. Equal sets of a page are one.
type set struct {
	labels []Label
	key    string
}

// A series is one series of a page. Of its values over time it keeps the first and the last.
type series struct {
	role
	own    *set // without those of the target, without le
	target *set
	le     float64

	value float64 // the last
	time  int64   // ms of it; 0 where the page does not say
	// start and startTime are the first value and its time.
	start     float64
	startTime int64
	n         int
	fell      bool
}

// An identity tells a series from the others of a page.
type identity struct {
	role
	own, target *set
	le          float64
}

// A page holds what is kept of one page.
type page struct {
	index, pages int
	families     []string
	want         map[string]role
	limits       limits
	all          []series
	series       map[identity]int // in all
	sets         map[string]*set
	texts        map[string]string
	held         int // bytes of texts
	kept         int
	lines        int  // that look like a sample, wanted or not
	cut          bool // the last line is not whole
	comment      bool // the last line announces a family
	histograms   map[string]bool

	key         []byte // scratch
	own, target []Label
	labels      []Label
}

func newPage(index int, of []io.Reader, families []string, want map[string]role) *page {
	return &page{
		index: index, pages: len(of), families: families, want: want, limits: standard,
		series: map[identity]int{}, sets: map[string]*set{}, texts: map[string]string{}, histograms: map[string]bool{},
	}
}

func (p *page) bad(format string, args ...any) error {
	return &Error{pageNumber(p.index, p.pages), fmt.Sprintf(format, args...)}
}

// read reads a page in whatever form it has.
func (p *page) read(r io.Reader) error {
	if r == nil {
		return p.bad("nil, want a reader")
	}
	source := &source{r: &limited{r, p.limits.bytes, p.limits.bytes}}
	in, whole, err := open(source, p.limits.bytes)
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
	if len(p.all) == 0 {
		return p.empty()
	}
	return nil
}

// empty returns the error for a page that has none of the families.
func (p *page) empty() error {
	s := Snapshot{Page: p.index, Cut: p.comment, pages: p.pages}
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
	if err != nil && !errors.Is(err, io.EOF) && !isTooLong(err) {
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

// add keeps one sample. labels holds le too, where it is a bucket's. It is sorted here and may be
// used again afterwards.
func (p *page) add(r role, labels []Label, value float64, ms int64, bytes int) error {
	if p.kept += bytes; p.kept > p.limits.kept || len(p.all) >= p.limits.samples {
		return p.bad(
			"too long: more than %d series or %d MiB of %s and the like", p.limits.samples, p.limits.kept>>20, r.family,
		)
	}
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(labels); i++ {
		if labels[i-1].Name == labels[i].Name {
			return p.bad("%s has the label %s twice", r.family, Show(labels[i].Name))
		}
	}
	id := identity{role: r}
	own, target := p.own[:0], p.target[:0]
	bounded := r.part != partBucket
	for _, l := range labels {
		switch {
		case l.Name == "le" && r.part == partBucket:
			bound, err := strconv.ParseFloat(l.Value, 64)
			if err != nil || math.IsNaN(bound) {
				return p.bad("%s has a bucket with le=%s, want a number", r.family, Show(l.Value))
			}
			id.le, bounded = bound, true
		case isTargetLabel[l.Name]:
			target = append(target, l)
		default:
			own = append(own, l)
		}
	}
	if !bounded {
		return p.bad("%s has a bucket without le, want its bound", r.family)
	}
	p.own, p.target = own, target
	id.own, id.target = p.intern(own), p.intern(target)
	i, ok := p.series[id]
	if !ok {
		i = len(p.all)
		p.series[id] = i
		p.all = append(p.all, series{role: r, own: id.own, target: id.target, le: id.le})
	}
	return p.point(&p.all[i], value, ms)
}

// intern returns the one set of these labels.
func (p *page) intern(labels []Label) *set {
	p.key = appendKey(p.key[:0], labels)
	s := p.sets[string(p.key)]
	if s == nil {
		s = &set{labels: slices.Clone(labels), key: string(p.key)}
		p.sets[s.key] = s
	}
	return s
}

// maxHeld bounds the texts that are kept once.
const maxHeld = 16 << 20

// text returns a string that is kept once, however often a page has it.
func (p *page) text(b []byte) string {
	if s, ok := p.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	if p.held += len(s); p.held <= maxHeld {
		p.texts[s] = s
	}
	return s
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
		return p.bad(
			"%s is there twice%s%s, want it once: give each page on its own", s.family, bound, describe(s.own.labels),
		)
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
	by := map[*set][]*series{}
	for i := range p.all {
		s := &p.all[i]
		by[s.target] = append(by[s.target], s)
	}
	out := make(map[string]Target, len(by))
	for target, all := range by {
		slices.SortFunc(all, compare)
		out[target.key] = Target{Labels: target.labels, Snapshots: p.snapshots(all)}
	}
	return out
}

// compare orders the series of a family: buckets before sums before counts.
func compare(a, b *series) int {
	if a.part != b.part {
		return cmp.Compare(a.part, b.part)
	}
	if a.own != b.own {
		if c := strings.Compare(a.own.key, b.own.key); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.le, b.le)
}

func keyOf(labels []Label) string { return string(appendKey(nil, labels)) }

func appendKey(key []byte, labels []Label) []byte {
	for _, l := range labels {
		key = append(append(append(append(key, l.Name...), 0), l.Value...), 1)
	}
	return key
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
	s := Snapshot{Page: p.index, pages: p.pages, Cut: p.comment, histograms: p.histograms, series: map[string][]*series{}}
	if ms != 0 {
		s.Time = time.UnixMilli(ms).UTC()
	}
	return s
}

func (s Snapshot) keep(x *series, value float64) {
	if value != x.value { // the first of a range
		one := *x
		one.value = value
		x = &one
	}
	s.series[x.family] = append(s.series[x.family], x)
}
