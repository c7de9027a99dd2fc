package capacity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/redline-go/redline/capacity"
)

const nodeJSON = `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"},` +
	`"status":{"allocatable":{"cpu":"4","pods":"10"}}}`

func TestReadForms(t *testing.T) {
	for name, in := range map[string]string{
		"one object": nodeJSON,
		"a List": `{"apiVersion":"v1","items":[` + nodeJSON +
			`],"kind":"List","metadata":{"resourceVersion":""}}`,
		"a raw API " +
			"list": `{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"n1"}}]}`,
		"kind after items": `{"items":[{"metadata":{"name":"n1"}}],"kind":"NodeList","apiVersion":"v1"}`,
		"a List in a " +
			"List": `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"NodeList","items":[` +
			nodeJSON + `]}]}`,
		"JSON, then ---": "\n" + nodeJSON + "\n---\n",
		"YAML":           "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n",
		"YAML with " +
			"comments": "# a node\n---\n# nothing\n---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\n---\n",
		"a YAML " +
			"List": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata: " +
			"{name: n1}\n",
		"an indented YAML " +
			"List": "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Node\n    metadata: {name: " +
			"n1}\n",
		"a YAML List, kind " +
			"last": "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: n1\n    " +
			"annotations:\n      note: |\n        - not an item\n\n        items:\n# a comment\nkind: " +
			"List\nmetadata:\n  resourceVersion: \"\"\n",
		"a raw YAML list": "apiVersion: v1\nitems:\n-\n  metadata: {name: n1}\nkind: NodeList\n",
		"a YAML List, then " +
			"others": "kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata: {name: " +
			"n1}\n--- # more\napiVersion: v1\nitems: []\nkind: List\n---\nitems:\nkind: List\napiVersion: v1\n",
		"YAML with carriage " +
			"return": "apiVersion: v1\r\nitems:\r\n- apiVersion: v1\r\n  kind: Node\r\n  metadata: {name: " +
			"n1}\r\nkind: List\r\n",
		"a flow list in " +
			"YAML": "apiVersion: v1\nitems:\n  [{apiVersion: v1, kind: Node, metadata: {name: n1}}]\nkind: " +
			"List\n",
		"a byte order mark": "\uFEFF" + nodeJSON,
		"an unknown field":  `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"},"spec":{"madeUp":1}}`,
		"a list without any ": `{"apiVersion":"v1","kind":"List","items":[` + nodeJSON +
			`,{"apiVersion":"v1","kind":"PodList","items":[]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := capacity.Read(strings.NewReader(in))
			require.NoError(t, err)
			require.Len(t, objects, 1)
			node, ok := objects[0].(*corev1.Node)
			require.True(t, ok, "%T", objects[0])
			assert.Equal(t, "n1", node.Name)
			assert.Equal(t, "Node", node.Kind)
		})
	}
}

func TestReadSeveral(t *testing.T) {
	objects, err := capacity.Read(strings.NewReader(nodeJSON + "\n" + strings.ReplaceAll(nodeJSON, "n1", "n2")))
	require.NoError(t, err)
	assert.Len(t, objects, 2)
	objects, err = capacity.Read(strings.NewReader(`{"apiVersion":"v1","kind":"List","items":[]}`))
	require.NoError(t, err)
	assert.Empty(t, objects)
}

func TestReadErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":            "capacity: Read: the input is empty",
		"   \n\t ":    "capacity: Read: the input is empty",
		nodeJSON[:60]: "document 1: the input ends inside an object, it seems truncated",
		`{"apiVersion":"v1","kind":"List","items":[` + nodeJSON +
			`,{"apiVersion":"v1","ki`: "document 1: item 1: the input ends inside an object",
		`{"apiVersion":"v1","kind":"List","items":[` + nodeJSON: "seems truncated",
		`{"name":"web","version":"1.0.0"}`: `apiVersion is "" ` +
			`and kind is "", want both set`,
		`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"nodes is ` +
			`forbidden"}`: `document 1: is a Status, Failure: "nodes is forbidden", want the objects`,
		"hello: world":       "want both set",
		"just words":         "want a Kubernetes object",
		"[1, 2]":             "want a Kubernetes object",
		"# only a comment\n": "holds no object",
		`{"apiVersion":"v1","kind":"List","items":{"a":1}}`: "items begins with {, want a list",
		`{"items":[]}`: "kind is empty",
		`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"a","name":"b"},"spec":[1]}`: "Pod a/b: ",
		"\x7fELF\x02\x01\x01\x00": "capacity: Read: document 1",
		`{"apiVersion":"v1","kind":"Node","status":{"allocatable":{"cpu":"lots"}}}`: "Node without a name: ",
		"apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata: {name: " +
			"n1}\n": "document 1: has items but kind is empty, want a Kubernetes list; " +
			"it may be truncated",
		"apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata: {name: n1}\n- apiVersion: v1\n  kind: " +
			"[\n": "document 1: item 1 (line 6): ",
		"apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  spec: 1\nkind: " +
			"List\n": "document 1: item 0 (line 3): Node without a name: ",
		"apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\nkind: List\nitems:\n- a: " +
			"1\n": "has items twice, want it once",
		"- just\nitems:\n- apiVersion: " +
			"v1\n": "has items beside " +
			"something that is no field",
		"apiVersion: v1\nkind: Node\n  bad: " +
			"indent\n": "document 1",
	} {
		objects, err := capacity.Read(strings.NewReader(in))
		if assert.ErrorContains(t, err, want, "%q", in) {
			assert.True(t, strings.HasPrefix(err.Error(), "capacity: Read: "), err)
		}
		assert.Nil(t, objects, "%q", in)
	}
}

// Kinds that are not known come out as they are, and a snapshot says that it skips them.
func TestUnknownKinds(t *testing.T) {
	objects, err := capacity.Read(strings.NewReader(nodeJSON +
		`{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"}}
{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w2"}}`))
	require.NoError(t, err)
	require.Len(t, objects, 3)
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	assert.Len(t, snapshot.Objects(), 1)
	answer, err := snapshot.Fit(t.Context(), web(1))
	require.NoError(t, err)
	require.Len(t, answer.Warnings, 1)
	assert.EqualError(t, answer.Warnings[0], "capacity: skipped 2 of unknown kind example.com/v1 Widget")
}

// A typed list says its kind after its items when the keys are sorted; those of owners and of
// volumes' sources are not the items' own.
func TestReadTypedList(t *testing.T) {
	pod := bulkPod("p", "", 100)
	pod.TypeMeta = metav1.TypeMeta{}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "r", UID: "u"}}
	list := &corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"},
		Items: []corev1.Pod{*pod, *pod}}
	asYAML, err := yaml.Marshal(list)
	require.NoError(t, err)
	asJSON, err := yaml.YAMLToJSON(asYAML) // sorts the keys, too
	require.NoError(t, err)
	for _, text := range [][]byte{asYAML, asJSON} {
		objects, err := capacity.Read(bytes.NewReader(text))
		require.NoError(t, err)
		require.Len(t, objects, 2)
		read := objects[1].(*corev1.Pod)
		assert.Equal(t, metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, read.TypeMeta)
		assert.Equal(t, pod.OwnerReferences, read.OwnerReferences)
	}
	_, err = capacity.Read(strings.NewReader(`{"items":[` + nodeJSON +
		`,{"metadata":{"ownerReferences":[{"kind":"Node"}]}}],"kind":"List","apiVersion":"v1"}`))
	assert.EqualError(t, err, `capacity: Read: document 1: item 1: apiVersion is "" and kind is "", want both set, as `+
		`in a Kubernetes object`)
}

// What is written comes back, whatever form it takes.
func TestReadRoundTrip(t *testing.T) {
	objects, _ := bulk(7)
	dump, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": objects})
	require.NoError(t, err)
	back, err := capacity.Read(bytes.NewReader(dump))
	require.NoError(t, err)
	again, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": back})
	require.NoError(t, err)
	assert.JSONEq(t, string(dump), string(again))
}

func FuzzRead(f *testing.F) {
	for _, in := range []string{
		nodeJSON, `{"apiVersion":"v1","kind":"List","items":[` + nodeJSON + `]}`, "a: [", "---\n---\n", "{}",
		`{"items":null}`,
		"apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n---\napiVersion: apps/v1\nkind: Deployment\n",
		`{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"},` +
			`"spec":{"containers":[{"resources":{"requests":{"cpu":"1e3"}}}]}}]}`,
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		objects, err := capacity.Read(bytes.NewReader(in))
		if err != nil {
			require.Nil(t, objects)
			return
		}
		for _, o := range objects {
			require.NotNil(t, o)
		}
		ask(t, objects)
	})
}

// ask takes whatever snapshot the objects make through every question.
func ask(t *testing.T, objects []runtime.Object) {
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		require.True(t, strings.HasPrefix(err.Error(), "capacity: "), err)
		return
	}
	for _, o := range append(objects, nil) {
		w, err := capacity.WorkloadOf(o)
		if err != nil {
			w = web(3)
		}
		answer, err := snapshot.Fit(t.Context(), w)
		if err == nil && answer.Desired >= answer.Running {
			require.Equal(t, answer.Desired, answer.Running+answer.Fits+answer.Pending+answer.Rejected)
			require.Equal(t, answer.Pending > 0, answer.Message != "", "a message is for pending replicas")
			require.Equal(t, answer.Rejected > 0, answer.Refusal != "", "a refusal is for rejected replicas")
		}
		_, err = snapshot.Max(t.Context(), w)
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "capacity: "), err)
		}
	}
	_, err = snapshot.With(bulkNode(99))
	require.NoError(t, err, fmt.Sprint(objects))
}

func TestReadFlowMappings(t *testing.T) {
	objects, err := capacity.Read(strings.NewReader(
		"{apiVersion: v1, kind: Node, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Node, metadata: {name: b}}\n"))
	require.NoError(t, err)
	require.Len(t, objects, 2)
	objects, err = capacity.Read(
		strings.NewReader("{\n  \"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": \"a\"}}"))
	require.NoError(t, err)
	require.Len(t, objects, 1)
	_, err = capacity.Read(strings.NewReader("{kind: Node"))
	require.ErrorContains(t, err, "capacity: Read: document 1: ")
}

// Whatever text an object holds, a list in YAML reads as the same list in JSON, in which items are
// not told by their indentation.
func FuzzYAMLIsJSON(f *testing.F) {
	for _, text := range []string{"a", "- b\n", "items:\n- c\n", "---\nd\n---\n", " - e\n\n\n- f\n#g", "#h\n",
		"i: |\n  - j", "'\"\n- k", "\tl\r\n- m"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		list := map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": a},
			"items": []any{
				map[string]any{"apiVersion": "v1", "kind": "Node",
					"metadata": map[string]any{"name": "n", "annotations": map[string]any{a: b, "x" + b: a}}},
				map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c"},
					"data": map[string]any{"x" + a: b, "y": a + b}},
			}}
		asJSON, err := json.Marshal(list)
		require.NoError(t, err)
		asYAML, err := yaml.JSONToYAML(asJSON)
		if err != nil {
			return // no text that YAML may hold
		}
		if whole, err := yaml.YAMLToJSON(asYAML); err != nil || !equalJSON(whole, asJSON) {
			return // the YAML library itself does not read back what it wrote
		}
		want, err := capacity.Read(bytes.NewReader(asJSON))
		require.NoError(t, err)
		got, err := capacity.Read(bytes.NewReader(asYAML))
		require.NoError(t, err, "%s", asYAML)
		require.Equal(t, want, got, "%s", asYAML)
	})
}

func equalJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
