package capacity

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// yamlReader splits YAML into documents, and a list as kubectl prints it into its items, so that
// one item is held at a time. It goes by indentation, which block style fixes: an item ends where a
// line is indented no deeper than its dash.
type yamlReader struct {
	*decoder
	in   *bufio.Reader
	line []byte // the next, with its end; nil at the end of the input
	at   int    // its number
}

func (d *decoder) yamlStream(in *bufio.Reader) error {
	y := &yamlReader{decoder: d, in: in}
	err := y.next()
	for err == nil && y.line != nil {
		d.document++
		if err = y.readDocument(); err != nil {
			return fmt.Errorf("document %d: %w", d.document, eofIsTruncation(err))
		}
	}
	if err == nil && !d.seen {
		err = errors.New("the input holds no object, want Kubernetes objects as kubectl prints them")
	}
	return err
}

// next goes to the next line.
func (y *yamlReader) next() error {
	line, err := y.in.ReadBytes('\n')
	if err != nil && err != io.EOF {
		return err
	}
	y.line = nil
	if len(line) > 0 {
		y.line = line
	}
	y.at++
	return nil
}

// take appends lines to text as long as they are wanted, and not beyond the document.
func (y *yamlReader) take(text []byte, wanted func(line []byte) bool) ([]byte, error) {
	for y.line != nil && !isSeparator(y.line) && wanted(y.line) {
		text = append(text, y.line...)
		if err := y.next(); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// readDocument reads to the next separator and goes beyond it.
func (y *yamlReader) readDocument() error {
	text, err := y.take(nil, func(line []byte) bool { return !isItemsKey(line) })
	if err != nil {
		return err
	}
	if y.line == nil || isSeparator(y.line) {
		return errors.Join(y.next(), y.object(text))
	}
	key := y.line
	if err := y.next(); err != nil {
		return err
	}
	if indent, ok := dashAt(y.line); ok {
		return y.list(text, indent)
	}
	text, err = y.take(append(text, key...), func([]byte) bool { return true })
	if err != nil {
		return err
	}
	return errors.Join(y.next(), y.object(text))
}

// object decodes a document that is not read item by item.
func (y *yamlReader) object(text []byte) error {
	converted, err := yaml.YAMLToJSON(text)
	if err != nil || string(converted) == "null" { // nothing but comments
		return err
	}
	return y.value(json.NewDecoder(bytes.NewReader(converted)))
}

// list decodes the items, then the fields around them.
func (y *yamlReader) list(head []byte, indent int) error {
	l := listReader{decoder: y.decoder, fields: map[string]json.RawMessage{}, hasList: true}
	y.seen = true
	if err := l.yamlFields(head); err != nil {
		return err
	}
	for ; ; l.items++ {
		if at, ok := dashAt(y.line); !ok || at != indent {
			break
		}
		if err := y.listItem(&l, indent); err != nil {
			return err
		}
	}
	tail, err := y.take(nil, func([]byte) bool { return true })
	if err != nil {
		return err
	}
	if err := l.yamlFields(tail); err != nil {
		return err
	}
	if l.text("kind") == "" {
		return errors.New("has items but kind is empty, want a Kubernetes list; it may be truncated, since kubectl " +
			"prints the kind after the items")
	}
	return errors.Join(y.next(), l.end())
}

func (y *yamlReader) listItem(l *listReader, indent int) error {
	where := fmt.Sprintf("item %d (line %d)", l.items, y.at)
	text := bytes.Clone(y.line)
	text[indent] = ' ' // the dash
	err := y.next()
	if err == nil {
		text, err = y.take(text, func(line []byte) bool { return depth(line) > indent })
	}
	if err != nil {
		return err
	}
	converted, err := yaml.YAMLToJSON(text)
	if err == nil {
		err = l.item(converted)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}

// yamlFields adds the fields before or after the items.
func (l *listReader) yamlFields(text []byte) error {
	converted, err := yaml.YAMLToJSON(text)
	if err != nil || string(converted) == "null" {
		return err
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(converted, &fields) != nil {
		return errors.New("has items beside something that is no field, want a Kubernetes list")
	}
	for key, value := range fields {
		if _, twice := l.fields[key]; twice || key == "items" {
			return fmt.Errorf("has %s twice, want it once", key)
		}
		l.fields[key] = value
	}
	return nil
}

// isSeparator reports whether the line is three dashes and no more than a comment after them.
func isSeparator(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	rest = bytes.TrimSpace(rest)
	return ok && (len(rest) == 0 || rest[0] == '#')
}

func isItemsKey(line []byte) bool { return string(bytes.TrimRight(line, " \r\n")) == "items:" }

// depth returns the indentation of a line. Blank lines and comments are deeper than any item, so
// that they belong to whatever they stand in.
func depth(line []byte) int {
	content := bytes.TrimLeft(line, " ")
	if rest := bytes.TrimSpace(content); len(rest) == 0 || rest[0] == '#' {
		return len(line) + 1
	}
	return len(line) - len(content)
}

// dashAt returns the column of the dash, if the line begins a list item.
func dashAt(line []byte) (int, bool) {
	content := bytes.TrimLeft(line, " ")
	if len(content) == 0 || content[0] != '-' {
		return 0, false
	}
	return len(line) - len(content), len(content) == 1 || bytes.IndexByte([]byte(" \r\n"), content[1]) >= 0
}
