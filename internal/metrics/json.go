package metrics

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// parseBrace reads a page that begins with a brace: JSON, or text whose first name is in quotes.
func (p *page) parseBrace(in *bufio.Reader) error {
	head, _ := in.Peek(512)
	if labels, _, err := p.parseLabels(firstLine(head), nil); err == nil && len(labels) > 0 {
		return p.parseText(in)
	}
	return p.parseJSON(in)
}

func firstLine(b []byte) []byte {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			return b[:i]
		}
	}
	return b
}

// A found is one series of Prometheus' answer.
type found struct {
	Metric     map[string]string `json:"metric"`
	Value      []json.RawMessage `json:"value"`
	Values     [][2]json.RawMessage
	Histogram  json.RawMessage `json:"histogram"`
	Histograms json.RawMessage `json:"histograms"`
}

// parseJSON reads one answer of Prometheus' API or several in a row.
func (p *page) parseJSON(in *bufio.Reader) error {
	d := json.NewDecoder(in)
	for n := 0; ; n++ {
		if err := p.answer(d); err != nil {
			if errors.Is(err, io.EOF) && n > 0 {
				return nil
			}
			return p.jsonError(err)
		}
	}
}

func (p *page) jsonError(err error) error {
	var known *Error
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &syntax):
		return p.bad("not JSON at byte %d, want metrics or the answer of Prometheus' /api/v1/query", syntax.Offset)
	case errors.As(err, &kind):
		return p.bad("JSON with a %s for %s, want the answer of Prometheus' /api/v1/query", kind.Value, clip(kind.Field))
	}
	return err
}

// answer reads one answer, as a stream.
func (p *page) answer(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return p.bad("JSON that begins with no object, want the answer of Prometheus' /api/v1/query")
	}
	seen := false
	said := map[string]string{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return unexpected(err)
		}
		switch key {
		case "data":
			seen = true
			err = p.data(d)
		case "status", "errorType", "error":
			var text string
			err = d.Decode(&text)
			said[key.(string)] = text
		default:
			var skipped json.RawMessage
			err = d.Decode(&skipped)
		}
		if err != nil {
			return unexpected(err)
		}
	}
	if said["status"] == "error" {
		return p.bad("an error of Prometheus (%s), want series", Show(said["error"]))
	}
	if _, err := d.Token(); err != nil {
		return unexpected(err)
	}
	if !seen {
		return p.bad("JSON without data, want the answer of Prometheus' /api/v1/query")
	}
	return nil
}

// unexpected says that an answer has begun, so that its end is not one.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (p *page) data(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return p.bad("JSON whose data is no object, want the answer of Prometheus' /api/v1/query")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "resultType":
			var kind string
			if err := d.Decode(&kind); err != nil {
				return err
			}
			if kind != "vector" && kind != "matrix" {
				return p.bad("the answer of a query for a %s, want a vector or a matrix", Show(kind))
			}
		case "result":
			if err := p.result(d); err != nil {
				return err
			}
		default:
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return err
			}
		}
	}
	_, err = d.Token()
	return err
}

func (p *page) result(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return p.bad("JSON whose result is no list, want the answer of Prometheus' /api/v1/query")
	}
	for d.More() {
		var f found
		if err := d.Decode(&f); err != nil {
			return err
		}
		if err := p.found(f); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// found keeps the values of one series if it is asked for.
func (p *page) found(f found) error {
	name := f.Metric["__name__"]
	if name == "" {
		return p.bad("the answer of a query that lost the metric's name: ask for the metric, not for its rate() or sum()")
	}
	p.lines++
	r, ok := p.want[name]
	if !ok {
		return nil
	}
	if f.Histogram != nil || f.Histograms != nil {
		return p.bad("%s is a native histogram, want one with buckets", r.family)
	}
	values := f.Values
	if len(f.Value) == 2 {
		values = append(values, [2]json.RawMessage{f.Value[0], f.Value[1]})
	}
	bytes := 0
	labels := p.labels[:0]
	for k, v := range f.Metric {
		bytes += len(k) + len(v)
		if k != "__name__" {
			labels = append(labels, Label{k, v})
		}
	}
	p.labels = labels
	for _, v := range values {
		value, ms, err := point(v)
		if err != nil {
			return p.bad("%s has a value that is no [time, \"number\"]", r.family)
		}
		if err := p.add(r, labels, value, ms, bytes); err != nil {
			return err
		}
		bytes = 0 // the labels are kept once
	}
	return nil
}

func point(v [2]json.RawMessage) (float64, int64, error) {
	var seconds float64
	var text string
	if err := json.Unmarshal(v[0], &seconds); err != nil {
		return 0, 0, err
	}
	if err := json.Unmarshal(v[1], &text); err != nil {
		return 0, 0, err
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, 0, err
	}
	ms, err := milliseconds(seconds)
	return value, ms, err
}
