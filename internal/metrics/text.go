package metrics

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// parseText reads a page of text line by line.
func (p *page) parseText(in *bufio.Reader) error {
	r := bufio.NewReaderSize(in, maxLine)
	first, number := "", 0
	for {
		line, err := r.ReadSlice('\n')
		number++
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return p.bad("line %d is longer than %d bytes, want metrics", number, maxLine)
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
		if first == "" && len(line) > 0 {
			first = string(line[:min(len(line), 2*shown)])
		}
		ended := err == nil
		if err := p.lineOrLines(line, number, ended); err != nil {
			return err
		}
		if !ended {
			break
		}
	}
	switch {
	case p.cut && (p.lines > 0 || p.comment):
		return p.bad("cut short: line %d is not whole, want all of it", number)
	case p.lines > 0 || p.comment:
		return nil
	}
	return p.bad("without a metric: it begins with %s, want metrics", Show(strings.TrimSpace(first)))
}

// lineOrLines parses a line, or what a progress table has rewritten with carriage returns.
func (p *page) lineOrLines(line []byte, number int, ended bool) error {
	line = bytes.TrimRight(line, "\r\n")
	for {
		before, after, more := bytes.Cut(line, []byte{'\r'})
		if err := p.line(before, number, ended || more); err != nil || !more {
			return err
		}
		line = after
	}
}

// progress is a line of curl's progress table, which has no line end of its own.
var progress = regexp.MustCompile(
	`^\s*\d+\s+\S+\s+\d+\s+\S+\s+\d+\s+\S+\s+\S+\s+\S+\s+[-\d:dh]+\s+[-\d:dh]+\s+[-\d:dh]+\s+\d[\d.]*[kMGTP]?`)

// line parses one line. A line that is neither a comment nor a sample is passed over, as what a
// shell prints around a page is. What is asked for must be right.
func (p *page) line(b []byte, number int, ended bool) error {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		b = bytes.TrimSpace(b[len(progress.Find(b)):])
	}
	if len(b) == 0 {
		return nil
	}
	if p.comment = b[0] == '#'; p.comment {
		p.cut = p.cut || !ended && string(b) != "# EOF"
		p.typed(b)
		return nil
	}
	name, rest, labels, err := p.nameOf(b)
	if err != nil || name == nil {
		p.cut = p.cut || !ended && err != nil
		return nil
	}
	r, ok := p.want[string(name)]
	if !ok {
		p.pass(rest, ended)
		return nil
	}
	p.lines++
	value, ms, labels, err := p.sample(rest, labels)
	switch {
	case err != nil && !ended:
		return p.bad("cut short: line %d ends within %s, want all of it", number, name)
	case err != nil:
		return p.bad("%s, line %d: %v", name, number, err)
	case !ended && r.part == partValue:
		return p.bad("cut short? Line %d (%s) has no line end, want all of it and a line end", number, name)
	}
	return p.add(r, labels, value, ms, len(b))
}

// pass counts a line that is not asked for.
func (p *page) pass(rest []byte, ended bool) {
	if p.lines > 0 || p.complete(rest) { // one line that is whole makes it a page of metrics
		p.lines++
	}
	p.cut = p.cut || !ended && !p.complete(rest)
}

// typed remembers the families that the page calls histograms. Such a page has their sums and
// counts, or it was cut short.
func (p *page) typed(comment []byte) {
	if rest, ok := bytes.CutPrefix(comment, []byte("# TYPE ")); ok {
		if name, ok := bytes.CutSuffix(rest, []byte(" histogram")); ok {
			if r, ok := p.want[string(name)]; ok {
				p.histograms[r.family] = true
			}
		}
		return
	}
	p.comment = bytes.HasPrefix(comment, []byte("# HELP "))
}

// complete reports whether the rest of an unended line, after its name, is a whole sample.
func (p *page) complete(rest []byte) bool {
	_, _, _, err := p.sample(rest, nil)
	return err == nil
}

// nameOf splits the name off a line. A name in quotes stands among the labels.
func (p *page) nameOf(b []byte) (name, rest []byte, labels []Label, err error) {
	if b[0] == '{' {
		labels, rest, err = p.parseLabels(b, nil)
		for i, l := range labels {
			if l.Name == "" {
				labels[i] = labels[len(labels)-1]
				return []byte(l.Value), rest, labels[:len(labels)-1], err
			}
		}
		return nil, nil, nil, err
	}
	n := 0
	for n < len(b) && nameByte[b[n]] {
		n++
	}
	if n == 0 || b[0] >= '0' && b[0] <= '9' || n < len(b) && b[n] != '{' && b[n] != ' ' && b[n] != '\t' {
		return nil, nil, nil, nil
	}
	return b[:n], b[n:], nil, nil
}

var nameByte = func() (is [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:") {
		is[c] = true
	}
	return is
}()

var (
	errLabels = errors.New(`want labels as {name="value"}`)
	errValue  = errors.New("want a number, and a timestamp at most")
)

// sample parses what follows a name: labels, value, timestamp, exemplar.
func (p *page) sample(rest []byte, labels []Label) (float64, int64, []Label, error) {
	rest = bytes.TrimLeft(rest, " \t")
	if len(rest) > 0 && rest[0] == '{' {
		var err error
		if labels == nil {
			labels = p.labels[:0]
		}
		if labels, rest, err = p.parseLabels(rest, labels); err != nil {
			return 0, 0, nil, err
		}
		p.labels = labels
	}
	if i := bytes.Index(rest, []byte(" # ")); i >= 0 { // an exemplar
		rest = rest[:i]
	}
	rest = bytes.TrimLeft(rest, " \t")
	rest = bytes.TrimPrefix(rest, []byte("=> ")) // as promtool prints it
	field, after := cutField(rest)
	if len(field) == 0 || bytes.ContainsAny(field, "xXpP_") {
		return 0, 0, nil, errValue
	}
	value, err := strconv.ParseFloat(string(field), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, 0, nil, errValue
	}
	field, after = cutField(after)
	ms, err := timestamp(field)
	if err != nil || len(after) > 0 {
		return 0, 0, nil, errValue
	}
	return value, ms, labels, nil
}

func cutField(b []byte) (field, rest []byte) {
	i := bytes.IndexAny(b, " \t")
	if i < 0 {
		return b, nil
	}
	return b[:i], bytes.TrimLeft(b[i:], " \t")
}

// timestamp returns milliseconds; 0 for none. The text format has them; OpenMetrics and promtool
// have seconds. A whole number of some 1e9 is seconds of these years: as milliseconds it would be
// of 1970.
func timestamp(field []byte) (int64, error) {
	if len(field) == 0 {
		return 0, nil
	}
	field = bytes.TrimSuffix(bytes.TrimPrefix(field, []byte("@[")), []byte("]"))
	t, err := strconv.ParseFloat(string(field), 64)
	if err != nil {
		return 0, err
	}
	if size := math.Abs(t); bytes.IndexByte(field, '.') < 0 && (size < 1e8 || size >= 1e11) {
		t /= 1000
	}
	return milliseconds(t)
}

// milliseconds turns seconds since 1970 into milliseconds.
func milliseconds(s float64) (int64, error) {
	if math.IsNaN(s) || math.Abs(s) > 1e11 {
		return 0, errValue
	}
	return int64(math.Round(s * 1000)), nil
}

// parseLabels appends the labels in braces. A name in quotes without a value has an empty label
// name.
func (p *page) parseLabels(b []byte, labels []Label) (_ []Label, rest []byte, err error) {
	b = b[1:]
	for {
		b = bytes.TrimLeft(b, " \t,")
		if len(b) == 0 {
			return nil, nil, errLabels
		}
		if b[0] == '}' {
			return labels, b[1:], nil
		}
		name, after, quoted, err := p.labelName(b)
		if err != nil {
			return nil, nil, err
		}
		b = bytes.TrimLeft(after, " \t")
		if quoted && len(b) > 0 && b[0] != '=' {
			labels = append(labels, Label{"", name})
			continue
		}
		if len(b) == 0 || b[0] != '=' {
			return nil, nil, errLabels
		}
		b = bytes.TrimLeft(b[1:], " \t")
		value, after, err := p.unquote(b)
		if err != nil {
			return nil, nil, err
		}
		labels, b = append(labels, Label{name, value}), after
	}
}

func (p *page) labelName(b []byte) (name string, rest []byte, quoted bool, err error) {
	if b[0] == '"' {
		name, rest, err = p.unquote(b)
		return name, rest, true, err
	}
	n := 0
	for n < len(b) && nameByte[b[n]] {
		n++
	}
	if n == 0 {
		return "", nil, false, errLabels
	}
	return p.text(b[:n]), b[n:], false, nil
}

// unquote reads a value in quotes, in which \\, \" and \n stand for a byte.
func (p *page) unquote(b []byte) (string, []byte, error) {
	if len(b) == 0 || b[0] != '"' {
		return "", nil, errLabels
	}
	b = b[1:]
	end := bytes.IndexByte(b, '"')
	if end < 0 {
		return "", nil, errLabels
	}
	if bytes.IndexByte(b[:end], '\\') < 0 {
		return p.text(b[:end]), b[end+1:], nil
	}
	var out []byte
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '"':
			return string(out), b[i+1:], nil
		case b[i] == '\\' && i+1 < len(b):
			i++
			switch b[i] {
			case 'n':
				out = append(out, '\n')
			case '\\', '"':
				out = append(out, b[i])
			default:
				return "", nil, errLabels
			}
		default:
			out = append(out, b[i])
		}
	}
	return "", nil, errLabels
}
