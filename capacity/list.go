package capacity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// listReader reads the fields of one JSON object. Items of a list are decoded at once when they say
// their own kind, as kubectl prints them. Items of a raw API list have to wait for the list's kind.
type listReader struct {
	*decoder
	fields  map[string]json.RawMessage // all but items
	hasList bool
	items   int
	waiting []waitingItem
}

// waitingItem is the item at an index of a list whose kind is not known yet.
type waitingItem struct {
	at  int
	raw []byte
}

func (l *listReader) field(dec *json.Decoder, key string) error {
	if key != "items" {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		l.fields[key] = raw
		return nil
	}
	return l.list(dec)
}

func (l *listReader) list(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	l.hasList = true
	if token == nil {
		return nil // items: null
	}
	if token != json.Delim('[') {
		return fmt.Errorf("items begins with %v, want a list", token)
	}
	for ; dec.More(); l.items++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fmt.Errorf("item %d: %w", l.items, eofIsTruncation(err))
		}
		if err := l.item(raw); err != nil {
			return fmt.Errorf("item %d: %w", l.items, err)
		}
	}
	_, err = dec.Token()
	return err
}

func (l *listReader) item(raw []byte) error {
	meta, err := typeOf(raw)
	if err != nil {
		return err
	}
	inherited := l.itemKind()
	if inherited.Kind == "" && meta.Kind == "" {
		l.waiting = append(l.waiting, waitingItem{l.items, bytes.Clone(raw)})
		return nil
	}
	return l.objectOf(meta, raw, inherited)
}

// itemKind returns the kind that the list gives its items: PodList holds Pods, a plain List says
// nothing.
func (l *listReader) itemKind() schema.GroupVersionKind {
	gvk := schema.FromAPIVersionAndKind(l.text("apiVersion"), l.text("kind"))
	if gvk.Kind == "List" || !strings.HasSuffix(gvk.Kind, "List") {
		return schema.GroupVersionKind{}
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	return gvk
}

func (l *listReader) text(field string) string {
	var s string
	_ = json.Unmarshal(l.fields[field], &s)
	return s
}

// end decodes what had to wait. It is called when all fields are read.
func (l *listReader) end() error {
	if !l.hasList {
		return l.object(l.whole(), schema.GroupVersionKind{})
	}
	if l.text("kind") == "" {
		return fmt.Errorf("has items but kind is empty, want a Kubernetes list")
	}
	for _, item := range l.waiting {
		if err := l.object(item.raw, l.itemKind()); err != nil {
			return fmt.Errorf("item %d: %w", item.at, err)
		}
	}
	return nil
}

// whole puts the object together again.
func (l *listReader) whole() []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(l.fields)) {
		if i > 0 {
			b.WriteByte(',')
		}
		quoted, _ := json.Marshal(key)
		b.Write(quoted)
		b.WriteByte(':')
		b.Write(l.fields[key])
	}
	b.WriteByte('}')
	return b.Bytes()
}
