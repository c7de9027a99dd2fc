package capacity

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
)

// Read reads Kubernetes objects as kubectl prints them: JSON or YAML, one object or a List, one
// document or a stream of them. Lists come out as their items. A kind that it does not know comes
// out as a *runtime.Unknown, which [NewSnapshot] skips with a warning.
//
// Lists are read item by item. Only one item is held beside the objects themselves. In YAML this is
// so for any list in block style, as kubectl prints it.
//
// An error names the document and the item that could not be read. No objects are returned with it.
func Read(r io.Reader) ([]runtime.Object, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	first, err := firstByte(in)
	if err != nil {
		return nil, fmt.Errorf("capacity: Read: %w", err)
	}
	d := &decoder{}
	if first == '{' && isJSON(in) {
		err = d.jsonStream(in)
	} else {
		err = d.yamlStream(in)
	}
	if err != nil {
		return nil, fmt.Errorf("capacity: Read: %w", err)
	}
	return d.objects, nil
}

// firstByte peeks at the first byte that is not white space.
func firstByte(in *bufio.Reader) (byte, error) {
	for {
		r, _, err := in.ReadRune()
		if errors.Is(err, io.EOF) {
			return 0, errors.New("the input is empty, want Kubernetes objects as kubectl prints them")
		}
		if err != nil {
			return 0, err
		}
		if unicode.IsSpace(r) || r == '\uFEFF' {
			continue
		}
		return byte(r), in.UnreadRune()
	}
}

// isJSON reports whether the input is a JSON object. A flow mapping of YAML, {kind: Node}, also
// begins with a brace, but its first key is not quoted.
func isJSON(in *bufio.Reader) bool {
	start, _ := in.Peek(4 << 10)
	rest := bytes.TrimSpace(start[min(1, len(start)):])
	return len(rest) == 0 || rest[0] == '"' || rest[0] == '}'
}

// decoder gathers the objects of one input.
type decoder struct {
	objects  []runtime.Object
	document int  // counted from 1, for errors
	seen     bool // anything but comments
}

// jsonStream reads documents of JSON, with or without "---" between them.
func (d *decoder) jsonStream(in *bufio.Reader) error {
	for {
		d.document++
		dec := json.NewDecoder(in)
		if err := d.value(dec); err != nil {
			return fmt.Errorf("document %d: %w", d.document, eofIsTruncation(err))
		}
		in = bufio.NewReaderSize(io.MultiReader(dec.Buffered(), in), 64<<10)
		if more, err := skipSeparators(in); err != nil || !more {
			return err
		}
	}
}

// skipSeparators goes to the next document. It returns false at the end of the input.
func skipSeparators(in *bufio.Reader) (bool, error) {
	for {
		if _, err := firstByte(in); err != nil {
			return false, nil // only white space was left
		}
		start, err := in.Peek(3)
		if err != nil || string(start) != "---" {
			return true, nil
		}
		if _, err := in.ReadString('\n'); err == io.EOF {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
}

// eofIsTruncation replaces an end of input inside an object by an error that says so.
func eofIsTruncation(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the input ends inside an object, it seems truncated")
	}
	return err
}

// value reads one JSON object. It decodes the items of a list as they come.
func (d *decoder) value(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return fmt.Errorf("begins with %v, want a Kubernetes object", token)
	}
	d.seen = true
	list := listReader{decoder: d, fields: map[string]json.RawMessage{}}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		if err := list.field(dec, key.(string)); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	return list.end()
}

// object decodes one object by its kind, or by the inherited kind of its list.
func (d *decoder) object(raw []byte, inherited schema.GroupVersionKind) error {
	meta, err := typeOf(raw)
	if err != nil {
		return err
	}
	return d.objectOf(meta, raw, inherited)
}

// typeOf reads the kind that an object gives itself.
func typeOf(raw []byte) (meta metav1.TypeMeta, err error) {
	err = kjson.UnmarshalCaseSensitivePreserveInts(raw, &meta)
	return meta, err
}

func (d *decoder) objectOf(meta metav1.TypeMeta, raw []byte, inherited schema.GroupVersionKind) error {
	gvk := schema.FromAPIVersionAndKind(meta.APIVersion, meta.Kind)
	if gvk.Kind == "" && gvk.Version == "" {
		gvk = inherited
	}
	if gvk.Kind == "" || gvk.Version == "" {
		return fmt.Errorf("apiVersion is %q and kind is %q, want both set, as in a Kubernetes object", meta.APIVersion,
			meta.Kind)
	}
	if strings.HasSuffix(gvk.Kind, "List") && isList(raw) {
		return d.value(json.NewDecoder(bytes.NewReader(raw)))
	}
	return d.typed(raw, gvk)
}

func isList(raw []byte) bool {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	return json.Unmarshal(raw, &list) == nil && list.Items != nil
}

func (d *decoder) typed(raw []byte, gvk schema.GroupVersionKind) error {
	object, err := scheme.New(gvk)
	if runtime.IsNotRegisteredError(err) {
		d.objects = append(d.objects, &runtime.Unknown{
			TypeMeta:    runtime.TypeMeta{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind},
			Raw:         bytes.Clone(raw),
			ContentType: runtime.ContentTypeJSON,
		})
		return nil
	}
	if err != nil {
		return err
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, object); err != nil {
		return fmt.Errorf("%s %s: %w", gvk.Kind, nameIn(raw), err)
	}
	if status, ok := object.(*metav1.Status); ok {
		return fmt.Errorf("is a Status, %s: %q, want the objects that were asked for", status.Status, status.Message)
	}
	object.GetObjectKind().SetGroupVersionKind(gvk)
	d.objects = append(d.objects, object)
	return nil
}

// nameIn finds the name of an object that could not be decoded whole.
func nameIn(raw []byte) string {
	var named struct {
		Metadata struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"metadata"`
	}
	if json.Unmarshal(raw, &named) != nil || named.Metadata.Name == "" {
		return "without a name"
	}
	if named.Metadata.Namespace == "" {
		return named.Metadata.Name
	}
	return named.Metadata.Namespace + "/" + named.Metadata.Name
}
