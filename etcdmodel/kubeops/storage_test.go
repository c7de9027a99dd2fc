package kubeops

import (
	"crypto/aes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/redline-go/redline/etcdmodel"
)

const widgetJSON = `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"gear","namespace":"shop",` +
	`"resourceVersion":"123","uid":"0f3c2a52-6f6c-4f39-9d1c-6a1f6c1c2d11","generation":1,` +
	`"managedFields":[{"manager":"kubectl","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1",` +
	`"fieldsV1":{"f:spec":{"f:teeth":{},"f:note":{}}}}]},"spec":{"teeth":12,"ratio":1.5,"note":"a < b & c"}}`

func widget(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	require.NoError(t, json.Unmarshal([]byte(widgetJSON), &u.Object))
	return u
}

// A custom resource is JSON without its resource version, <, > and & escaped, and a line's end: in
// whatever form it comes.
func TestCustomResource(t *testing.T) {
	plain := strings.Replace(widgetJSON, `"resourceVersion":"123",`, "", 1)
	want := len(plain) + 2*len(`\u003c`[1:]) + 1 // two of one byte become six
	for name, object := range map[string]runtime.Object{
		"unstructured": widget(t),
		"unknown": &runtime.Unknown{
			TypeMeta: runtime.TypeMeta{APIVersion: "example.com/v1", Kind: "Widget"}, Raw: []byte(widgetJSON),
			ContentType: runtime.ContentTypeJSON,
		},
	} {
		size, err := Size(object)
		require.NoError(t, err, name)
		assert.Equal(t, want, size, name)
		key, err := Key(object)
		require.NoError(t, err, name)
		assert.Equal(t, "/registry/example.com/widgets/shop/gear", key, name)
		op, err := Update(object)
		require.NoError(t, err, name)
		assert.Equal(t, etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: len(key), Value: want}, op, name)
	}
	u := widget(t)
	_, err := Size(u)
	require.NoError(t, err)
	assert.Equal(t, "123", u.GetResourceVersion(), "the caller's object is left alone")
}

// A built-in kind is protobuf, in whatever form it comes.
func TestBuiltInInAnyForm(t *testing.T) {
	for name, object := range ready {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		require.NoError(t, err)
		kinds, _, err := known.ObjectKinds(object)
		require.NoError(t, err)
		u := &unstructured.Unstructured{Object: fields}
		u.SetGroupVersionKind(kinds[0])
		raw, err := json.Marshal(u.Object)
		require.NoError(t, err)
		want, err := Size(object)
		require.NoError(t, err)
		for form, other := range map[string]runtime.Object{"unstructured": u, "unknown": &runtime.Unknown{Raw: raw}} {
			size, err := Size(other)
			require.NoError(t, err, name)
			assert.Equal(t, want, size, "%s, %s", name, form)
		}
	}
}

func TestMoreKeys(t *testing.T) {
	named := metav1.ObjectMeta{Name: "b"}
	crd := func(apiVersion, kind string) runtime.Object {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": "b"},
		}}
	}
	const definitions = "/registry/apiextensions.k8s.io/customresourcedefinitions/b"
	for want, object := range map[string]runtime.Object{
		"/registry/storageclasses/b":                &storagev1.StorageClass{ObjectMeta: named},
		"/registry/mutatingwebhookconfigurations/b": &admissionv1.MutatingWebhookConfiguration{ObjectMeta: named},
		"/registry/events/a/b": &eventsv1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b"},
		},
		definitions: crd("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
		"/registry/apiregistration.k8s.io/apiservices/b": crd("apiregistration.k8s.io/v1", "APIService"),
		"/registry/gateway.networking.k8s.io/gateways/b": crd("gateway.networking.k8s.io/v1", "Gateway"),
	} {
		got, err := Key(object)
		require.NoError(t, err, want)
		assert.Equal(t, want, got)
	}
	s := Storage{
		Prefix: "kubernetes.io/", Plurals: map[schema.GroupKind]string{{Group: "example.com", Kind: "Widget"}: "widgetry"},
	}
	key, err := s.Key(widget(t))
	require.NoError(t, err)
	assert.Equal(t, "/kubernetes.io/example.com/widgetry/shop/gear", key)
}

// A definition is stored as v1beta1: what all versions have alike stands once, in the spec.
func TestDefinition(t *testing.T) {
	const v1 = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"a.b.c"},` +
		`"spec":{"conversion":{"strategy":"Webhook","webhook":{"clientConfig":{"url":"u"},` +
		`"conversionReviewVersions":["v1"]}},` +
		`"group":"b.c","versions":[{"name":"v2","schema":{"x":1},"served":true,"subresources":{}},` +
		`{"name":"v1","schema":{"x":1},"served":true}]}}`
	const v1beta1 = `{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition",` +
		`"metadata":{"name":"a.b.c"},"spec":{"conversion":{"conversionReviewVersions":["v1"],` +
		`"strategy":"Webhook","webhookClientConfig":{"url":"u"}},` +
		`"group":"b.c","preserveUnknownFields":false,"validation":{"x":1},"version":"v2",` +
		`"versions":[{"name":"v2","served":true,"subresources":{}},{"name":"v1","served":true}]}}`
	size, err := Size(&runtime.Unknown{Raw: []byte(v1)})
	require.NoError(t, err)
	assert.Equal(t, len(v1beta1)+1, size)
}

// The plural of every built-in kind is that of apimachinery's guess, which is right for them.
func TestPlurals(t *testing.T) {
	for kind := range known.AllKnownTypes() {
		if kind.Version == runtime.APIVersionInternal || strings.HasSuffix(kind.Kind, "Options") {
			continue
		}
		plural, _ := meta.UnsafeGuessKindToResource(kind)
		assert.Equal(t, plural.Resource, pluralOf(kind.Kind))
	}
	for kind, want := range map[string]string{"Gateway": "gateways", "Policy": "policies", "Prometheus": "prometheuses"} {
		assert.Equal(t, want, pluralOf(kind))
	}
}

// An event of the newer group is stored as one of core/v1, with the same bytes.
func TestEventsAreOne(t *testing.T) {
	old := FailedScheduling()
	e := &eventsv1.Event{
		ObjectMeta: old.ObjectMeta, Regarding: old.InvolvedObject, Related: old.Related, Reason: old.Reason,
		Note: old.Message, DeprecatedSource: old.Source, DeprecatedFirstTimestamp: old.FirstTimestamp,
		DeprecatedLastTimestamp: old.LastTimestamp,
		DeprecatedCount:         old.Count, Type: old.Type, EventTime: old.EventTime, Action: old.Action,
		ReportingController: old.ReportingController, ReportingInstance: old.ReportingInstance,
	}
	want, err := Create(old)
	require.NoError(t, err)
	got, err := Create(e)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestMoreBadObjects(t *testing.T) {
	var nilPod *corev1.Pod
	of := func(apiVersion, kind string, spec any) runtime.Object {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "spec": spec}}
	}
	for want, object := range map[string]runtime.Object{
		"is a list":                     &corev1.PodList{},
		"empty *unstructured":           &unstructured.Unstructured{},
		"apiVersion \"\" and kind":      &unstructured.Unstructured{Object: map[string]any{"a": 1}},
		"want a JSON object":            &runtime.Unknown{TypeMeta: runtime.TypeMeta{Kind: "A", APIVersion: "b.c/v1"}},
		"has ContentType":               &runtime.Unknown{ContentType: runtime.ContentTypeProtobuf},
		"apps/v1beta2, Kind=Deployment": of("apps/v1beta2", "Deployment", nil),
		"of a built-in group":           of("v1", "Podd", nil),
		"Widget has metadata.name":      of("example.com/v1", "Widget", nil),
		"/v1, Kind=Pod":                 of("v1", "Pod", 3),
		"object is nil":                 nilPod,
		"what is no JSON":               &unstructured.Unstructured{Object: map[string]any{"a": func() {}}},
	} {
		_, err := Create(object)
		require.ErrorIs(t, err, ErrObject, want)
		assert.ErrorContains(t, err, want)
	}
}

// Each provider adds what the sources say; aescbc is compared with the arithmetic of the cipher.
func TestEncryption(t *testing.T) {
	assert.Equal(t, 100, Encryption{}.Bytes(100))
	for n := range 64 {
		padded := n + aes.BlockSize - n%aes.BlockSize
		e := Encryption{Provider: AESCBC, Key: "key1"}
		assert.Equal(t, len("k8s:enc:aescbc:v1:key1:")+aes.BlockSize+padded, e.Bytes(n))
	}
	assert.Equal(t, len("k8s:enc:aesgcm:v1:k:")+28+100, Encryption{Provider: AESGCM, Key: "k"}.Bytes(100))
	assert.Equal(t, len("k8s:enc:secretbox:v1:k:")+40+100, Encryption{Provider: Secretbox, Key: "k"}.Bytes(100))
	kms := Encryption{Provider: KMSv1, Key: "vault", EncryptedKey: 60}
	assert.Equal(t, len("k8s:enc:kms:v1:vault:")+2+60+28+100, kms.Bytes(100))
	kms = Encryption{Provider: KMSv2, Key: "vault", EncryptedKey: 60, KeyID: 10}
	assert.Equal(t, len("k8s:enc:kms:v2:vault:")+(1+2+160)+(1+1+10)+(1+1+60)+2, kms.Bytes(100))
	kms.Annotations = map[string]int{"a.b": 200}
	assert.Equal(t, len("k8s:enc:kms:v2:vault:")+163+12+62+2+(1+2+(1+1+3)+(1+2+200)), kms.Bytes(100))
}

func TestEncryptionByResource(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b"}}
	plain, err := Size(secret)
	require.NoError(t, err)
	s := Storage{Encryption: map[string]Encryption{
		"secrets": {Provider: Secretbox, Key: "k"}, "*.example.com": {Provider: AESGCM, Key: "k"}, "*.*": {},
	}}
	size, err := s.Size(secret)
	require.NoError(t, err)
	assert.Equal(t, plain+len("k8s:enc:secretbox:v1:k:")+40, size)
	custom, err := Size(widget(t))
	require.NoError(t, err)
	size, err = s.Size(widget(t))
	require.NoError(t, err)
	assert.Equal(t, custom+len("k8s:enc:aesgcm:v1:k:")+28, size)
}

func TestBadEncryption(t *testing.T) {
	for want, e := range map[string]Encryption{
		`.Provider is 9`:        {Provider: 9},
		`.Key is ""`:            {Provider: AESGCM},
		`.Key is "a:b"`:         {Provider: AESGCM, Key: "a:b"},
		`.Key is "k"`:           {Key: "k"},
		`.EncryptedKey is 5`:    {Provider: AESCBC, Key: "k", EncryptedKey: 5},
		`.EncryptedKey is 2000`: {Provider: KMSv2, Key: "k", EncryptedKey: 2000, KeyID: 1},
		`.KeyID is 0`:           {Provider: KMSv2, Key: "k", EncryptedKey: 60},
		`.KeyID is 7`:           {Provider: KMSv1, Key: "k", EncryptedKey: 60, KeyID: 7},
		`.Annotations is "a": -1`: {
			Provider: KMSv2, Key: "k", EncryptedKey: 60, KeyID: 1, Annotations: map[string]int{"a": -1},
		},
		`.Annotations is 40002`: {Provider: KMSv2, Key: "k", EncryptedKey: 60, KeyID: 1,
			Annotations: map[string]int{"a": 20000, "b": 20000}},
	} {
		_, err := Storage{Encryption: map[string]Encryption{"*.*": e}}.Inventory()
		require.ErrorIs(t, err, ErrObject, want)
		assert.ErrorContains(t, err, `Storage.Encryption["*.*"]`+want)
	}
}

// The estimate of managedFields stands in for what `kubectl get` hides: the whole object comes to
// within 30 % of its size, where without it half is missing.
func TestManagedFieldsEstimate(t *testing.T) {
	for name, object := range ready {
		whole, err := Size(object)
		require.NoError(t, err)
		bare := object.DeepCopyObject().(metav1.Object)
		bare.SetManagedFields(nil)
		without, err := Size(bare.(runtime.Object))
		require.NoError(t, err)
		with, err := Storage{AddManagedFields: true}.Size(bare.(runtime.Object))
		require.NoError(t, err)
		t.Logf("%-45s %5d bytes, without %5d, estimated %5d (%+.0f %%)", name, whole, without, with,
			100*(float64(with)/float64(whole)-1))
		assert.InEpsilon(t, whole, with, 0.3, name)
		assert.Empty(t, bare.GetManagedFields())
	}
}

func TestInventory(t *testing.T) {
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "widgetry.example.com"},
		"spec":     map[string]any{"group": "example.com", "names": map[string]any{"kind": "Widget", "plural": "widgetry"}},
	}}
	other := PodRunning()
	other.Name = "another"
	dump := []runtime.Object{
		&corev1.PodList{Items: []corev1.Pod{*PodRunning(), *other}}, NodeStatus(50), NodeLease(), definition,
		&unstructured.UnstructuredList{Items: []unstructured.Unstructured{*widget(t)}}, widget(t), &metav1.Status{},
	}
	i, err := Storage{}.Inventory(dump...)
	require.NoError(t, err)
	assert.Equal(t, 6, i.Objects)
	names := []string{}
	sum := 0.0
	for _, r := range i.Rows {
		names = append(names, r.Resource)
		sum += r.DBBytes
	}
	assert.Equal(t, []string{
		"nodes", "pods", "leases.coordination.k8s.io", "widgetry.example.com",
		"customresourcedefinitions.apiextensions.k8s.io",
	}, names)
	assert.InDelta(t, i.DBBytes, sum, 1e-6)
	pods, ok := i.Row("pods")
	require.True(t, ok)
	op, err := pods.Op(etcdmodel.TxnUpdate)
	require.NoError(t, err)
	one, err := Update(PodRunning())
	require.NoError(t, err)
	assert.InDelta(t, one.Value, op.Value, 20)
	state := i.State()
	assert.Equal(t, 6, state.Keys)
	assert.Equal(t, int64(i.DBBytes), state.InUse)
	// The model starts where the state says: all of it lives, and there is no history.
	lease := etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 60, Value: 525}
	p, err := etcdmodel.Estimate(etcdmodel.Cluster{State: state}, etcdmodel.Load{
		Streams: []etcdmodel.Stream{{Op: lease, Rate: 1, Keys: 1}},
	})
	require.NoError(t, err)
	assert.InEpsilon(t, state.InUse, p.DB.Live, 0.05)

	texts := ""
	for _, w := range i.Warnings {
		texts += w.Error() + "\n"
	}
	text, err := json.Marshal(i)
	require.NoError(t, err)
	assert.Contains(t, string(text), "there twice and counted once")
	assert.ErrorIs(t, i.Warnings[0], ErrObject)
	assert.Contains(t, texts, "object 8 of 8")
	assert.Contains(t, texts, "there twice and counted once; the first is /registry/example.com/widgetry/shop/gear")
	assert.Contains(t, texts, "no events (`kubectl get all` leaves them out)")
	assert.NotContains(t, texts, "managedFields", "some have them")
	again, err := Storage{}.Inventory(dump...)
	require.NoError(t, err)
	assert.Equal(t, i.Rows, again.Rows)
}

func TestInventoryOfAKubectlDump(t *testing.T) {
	pod := PodRunning()
	pod.ManagedFields = nil
	bare, err := Storage{}.Inventory(pod)
	require.NoError(t, err)
	assert.ErrorContains(t, bare.Warnings[len(bare.Warnings)-1], "--show-managed-fields: about ")
	with, err := Storage{AddManagedFields: true}.Inventory(pod)
	require.NoError(t, err)
	assert.Greater(t, with.ValueBytes, bare.ValueBytes)
	_, err = Storage{}.Inventory((*corev1.PodList)(nil), (*corev1.Pod)(nil), nil)
	require.NoError(t, err)
	empty, err := Storage{}.Inventory()
	require.NoError(t, err)
	assert.Zero(t, empty.State().Keys)
	_, err = Row{}.Op(etcdmodel.Put)
	require.ErrorIs(t, err, ErrObject)
}

// FuzzUnknown holds that no JSON makes a size panic.
func FuzzUnknown(f *testing.F) {
	f.Add([]byte(widgetJSON))
	f.Add([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]}}`))
	f.Add([]byte(`{"apiVersion":"a.b/v1","kind":"C","metadata":3}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		size, err := Storage{AddManagedFields: true}.Size(&runtime.Unknown{Raw: raw})
		if err == nil {
			assert.Positive(t, size)
		}
	})
}
