package kubeops

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kmsplugin "k8s.io/apiserver/pkg/storage/value/encrypt/envelope/testing/v2"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/etcdmodel/kubeops"
	"github.com/redline-go/redline/validation/internal/apiserver"
)

const space = "production"

var widgets = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgetry"}

// storage describes the flags of the server.
var storage = kubeops.Storage{Encryption: map[string]kubeops.Encryption{
	"secrets":              {Provider: kubeops.Secretbox, Key: "key1"},
	"configmaps":           {Provider: kubeops.AESCBC, Key: "key1"},
	"widgetry.example.com": {Provider: kubeops.AESGCM, Key: "key1"},
	// The plugin of the tests encodes a seed of 32 bytes in base64, under the key ID "1".
	"limitranges": {
		Provider: kubeops.KMSv2, Key: "plugin", EncryptedKey: 44, KeyID: 1,
		Annotations: map[string]int{"local-kek.kms.kubernetes.io": len("encrypted-local-kek")},
	},
}}

// encryptionConfig writes the configuration that storage describes.
func encryptionConfig(t *testing.T, socket string) string {
	t.Helper()
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	text := "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n"
	for resource, provider := range map[string]string{
		"secrets": "secretbox", "configmaps": "aescbc", "widgetry.example.com": "aesgcm",
	} {
		text += fmt.Sprintf("- resources: [%s]\n  providers:\n  - %s: {keys: [{name: key1, secret: %s}]}\n  - identity: {}\n",
			resource, provider, key)
	}
	text += "- resources: [limitranges]\n  providers:\n" +
		fmt.Sprintf("  - kms: {apiVersion: v2, name: plugin, endpoint: %q}\n", "unix://"+socket)
	file := filepath.Join(t.TempDir(), "encryption.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// A lab is a server, its etcd, and clients of both.
type lab struct {
	config  *rest.Config
	etcd    *clientv3.Client
	admin   kubernetes.Interface
	dynamic dynamic.Interface
}

func start(ctx context.Context, t *testing.T) lab {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a kube-apiserver; not in -short")
	}
	dir, err := os.MkdirTemp("", "kms") // a socket's path is short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	kmsplugin.NewBase64Plugin(t, socket)
	config, etcd := apiserver.StartBesideEtcd(t, "--encryption-provider-config="+encryptionConfig(t, socket))
	l := lab{config, etcd, kubernetes.NewForConfigOrDie(config), dynamic.NewForConfigOrDie(config)}
	l.define(ctx, t)
	return l
}

// define makes a namespace and a kind whose plural nobody would guess. It waits until the kind is
// served.
func (l lab) define(ctx context.Context, t *testing.T) {
	t.Helper()
	_, err := l.admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: space}},
		metav1.CreateOptions{})
	require.NoError(t, err)
	definitions := schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
	_, err = l.dynamic.Resource(definitions).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "widgetry.example.com"},
		"spec": map[string]any{
			"group": "example.com", "scope": "Namespaced",
			"names": map[string]any{"kind": "Widget", "plural": "widgetry", "singular": "widget", "listKind": "WidgetList"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true, "subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "x-kubernetes-preserve-unknown-fields": true,
				}},
			}},
		},
	}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, err := l.dynamic.Resource(widgets).Namespace(space).List(ctx, metav1.ListOptions{})
		assert.NoError(c, err)
	}, time.Minute, 50*time.Millisecond)
}

func widget(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": name, "namespace": space},
		"spec": map[string]any{
			"teeth": int64(12), "ratio": 1.5, "note": "a < b && c > d, \u2028 and \u00e9",
			"parts": []any{map[string]any{"name": "axle", "image": "our-registry.io/axle:v1"}},
		},
	}}
}

// fill makes objects of many kinds, as components and people do: created, updated, applied.
func (l lab) fill(ctx context.Context, t *testing.T) {
	t.Helper()
	core := l.admin.CoreV1()
	for i := range 5 {
		name := fmt.Sprintf("thing-%d", i)
		meta := metav1.ObjectMeta{Name: name, Namespace: space}
		_, err := l.dynamic.Resource(widgets).Namespace(space).Create(ctx, widget(name), metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = l.dynamic.Resource(widgets).Namespace(space).Apply(ctx, name, widget(name), metav1.ApplyOptions{
			FieldManager: "applier", Force: true,
		})
		require.NoError(t, err)
		pod := kubeops.PodPending()
		pod.ObjectMeta = metav1.ObjectMeta{Name: name, Namespace: space, Labels: pod.Labels}
		pod.Spec.Volumes, pod.Spec.Containers[0].VolumeMounts = nil, nil
		_, err = core.Pods(space).Create(ctx, pod, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = core.Pods(space).Patch(ctx, name, types.StrategicMergePatchType,
			[]byte(`{"status":{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable"}]}}`),
			metav1.PatchOptions{}, "status")
		require.NoError(t, err)
		_, err = core.Secrets(space).Create(ctx, &corev1.Secret{
			ObjectMeta: meta, Data: map[string][]byte{"a": make([]byte, 100*i)},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = core.ConfigMaps(space).Create(ctx, &corev1.ConfigMap{
			ObjectMeta: meta, Data: map[string]string{"a": strings.Repeat("<", 33*i)},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = core.LimitRanges(space).Create(ctx, &corev1.LimitRange{ObjectMeta: meta}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = core.Services(space).Create(ctx, &corev1.Service{
			ObjectMeta: meta, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		event := kubeops.FailedScheduling()
		event.ObjectMeta = meta
		event.InvolvedObject.Namespace = space
		_, err = core.Events(space).Create(ctx, event, metav1.CreateOptions{})
		require.NoError(t, err)
		lease := kubeops.NodeLease()
		lease.ObjectMeta = meta
		_, err = l.admin.CoordinationV1().Leases(space).Create(ctx, lease, metav1.CreateOptions{})
		require.NoError(t, err)
		node := kubeops.NodeStatus(10)
		node.ObjectMeta = metav1.ObjectMeta{Name: name}
		_, err = core.Nodes().Create(ctx, node, metav1.CreateOptions{})
		require.NoError(t, err)
	}
}

// dump lists every resource that the server serves, in its preferred version.
func (l lab) dump(ctx context.Context, t *testing.T) []runtime.Object {
	t.Helper()
	lists, err := discovery.NewDiscoveryClientForConfigOrDie(l.config).ServerPreferredResources()
	require.NoError(t, err)
	var out []runtime.Object
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		require.NoError(t, err)
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "list") || strings.Contains(r.Name, "/") || r.Name == "componentstatuses" {
				continue
			}
			found, err := l.dynamic.Resource(version.WithResource(r.Name)).List(ctx, metav1.ListOptions{})
			require.NoError(t, err, r.Name)
			out = append(out, found)
		}
	}
	return out
}

// inEtcd returns the bytes of every value by its key, with the revision that wrote it.
func (l lab) inEtcd(ctx context.Context, t *testing.T) map[string]int {
	t.Helper()
	answer, err := l.etcd.Get(ctx, "/registry", clientv3.WithPrefix())
	require.NoError(t, err)
	out := map[string]int{}
	for _, kv := range answer.Kvs {
		out[string(kv.Key)] = len(kv.Value)
	}
	return out
}

// own are keys that are not of objects that anybody lists: those that the server keeps for itself.
var own = []string{"/registry/ranges/", "/registry/masterleases/", "/registry/peerserverleases/"}

// TestStored compares key and size of every object of a real API server, as it is listed, with what
// is in etcd.
func TestStored(t *testing.T) {
	ctx := context.Background()
	l := start(ctx, t)
	l.fill(ctx, t)
	t.Run("sizes", func(t *testing.T) { l.checkSizes(ctx, t) })
	t.Run("churn", func(t *testing.T) { l.checkChurn(ctx, t) })
}

func (l lab) checkSizes(ctx context.Context, t *testing.T) {
	storage := storage
	storage.Plurals = map[schema.GroupKind]string{{Group: "example.com", Kind: "Widget"}: "widgetry"}
	var dump []runtime.Object
	stored := map[string]int{}
	require.Eventually(t, func() bool { // until nothing was written between two looks at etcd
		before := l.inEtcd(ctx, t)
		dump = l.dump(ctx, t)
		stored = l.inEtcd(ctx, t)
		return fmt.Sprint(before) == fmt.Sprint(stored)
	}, 30*time.Second, 100*time.Millisecond)

	exact, resources := 0, map[string]bool{}
	seen := map[string]bool{}
	for _, list := range dump {
		for _, object := range list.(*unstructured.UnstructuredList).Items {
			key, err := storage.Key(&object)
			require.NoError(t, err)
			size, err := storage.Size(&object)
			require.NoError(t, err, key)
			seen[key] = true
			if want, ok := stored[key]; assert.True(t, ok, "%s is not in etcd", key) {
				assert.Equal(t, want, size, key)
			}
			exact++
			resources[object.GetAPIVersion()+" "+object.GetKind()] = true
		}
	}
	for key := range stored {
		internal := slices.ContainsFunc(own, func(p string) bool { return strings.HasPrefix(key, p) })
		assert.True(t, seen[key] || internal, "%s is in etcd and in no list", key)
	}
	i, err := storage.Inventory(dump...)
	require.NoError(t, err)
	t.Logf("%d objects of %d kinds, %d bytes, their keys and sizes as in etcd", exact, len(resources), i.ValueBytes)
	assert.Equal(t, len(seen), i.Objects)
	l.checkHidden(t, storage, dump, i)
}

// checkHidden takes the managedFields away, as kubectl does, and measures the estimate.
func (l lab) checkHidden(t *testing.T, s kubeops.Storage, dump []runtime.Object, whole kubeops.Inventory) {
	t.Helper()
	var bare []runtime.Object
	for _, list := range dump {
		for _, object := range list.(*unstructured.UnstructuredList).Items {
			object := object.DeepCopy()
			object.SetManagedFields(nil)
			bare = append(bare, object)
		}
	}
	without, err := s.Inventory(bare...)
	require.NoError(t, err)
	s.AddManagedFields = true
	with, err := s.Inventory(bare...)
	require.NoError(t, err)
	for _, r := range whole.Rows {
		a, _ := without.Row(r.Resource)
		b, _ := with.Row(r.Resource)
		t.Logf("%-55s %3d objects, %7d bytes, without managedFields %+4.0f %%, estimated %+4.0f %%", r.Resource, r.Objects,
			r.ValueBytes, ratio(a.ValueBytes, r.ValueBytes), ratio(b.ValueBytes, r.ValueBytes))
	}
	t.Logf("all: without managedFields %+.0f %%, estimated %+.0f %%", ratio(without.ValueBytes, whole.ValueBytes),
		ratio(with.ValueBytes, whole.ValueBytes))
	assert.InEpsilon(t, whole.ValueBytes, with.ValueBytes, 0.25)
}

func ratio(a, b int64) float64 { return 100 * (float64(a)/float64(b) - 1) }

// page reads the server's metrics.
func (l lab) page(ctx context.Context, t *testing.T) []byte {
	t.Helper()
	stream, err := l.admin.Discovery().RESTClient().Get().AbsPath("/metrics").Stream(ctx)
	require.NoError(t, err)
	defer stream.Close()
	text, err := io.ReadAll(stream)
	require.NoError(t, err)
	return text
}

// work asks for requests of every kind, some of which store nothing. It returns the number of pods
// that one DELETE removed.
func (l lab) work(ctx context.Context, t *testing.T) (atOnce int) {
	t.Helper()
	core := l.admin.CoreV1()
	custom := l.dynamic.Resource(widgets).Namespace(space)
	now := int64(0)
	for i := range 20 {
		name := fmt.Sprintf("work-%d", i)
		meta := metav1.ObjectMeta{Name: name, Namespace: space}
		_, err := core.ConfigMaps(space).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{})
		require.NoError(t, err)
		patch := fmt.Appendf(nil, `{"data":{"a":"%d"}}`, i)
		for range 2 { // the second changes nothing
			_, err = core.ConfigMaps(space).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
			require.NoError(t, err)
		}
		_, err = core.ConfigMaps(space).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "dry-" + name}},
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		require.NoError(t, err)
		_, err = core.ConfigMaps(space).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{})
		require.Error(t, err, "it exists")
		_, err = custom.Apply(ctx, name, widget(name), metav1.ApplyOptions{FieldManager: "applier"})
		require.NoError(t, err)
		_, err = custom.Get(ctx, name, metav1.GetOptions{})
		require.NoError(t, err)
		pod := kubeops.PodPending()
		pod.ObjectMeta = meta
		pod.Spec.Volumes, pod.Spec.Containers[0].VolumeMounts = nil, nil
		_, err = core.Pods(space).Create(ctx, pod, metav1.CreateOptions{})
		require.NoError(t, err)
		require.NoError(t, core.Pods(space).Bind(ctx, &corev1.Binding{
			ObjectMeta: meta, Target: corev1.ObjectReference{Kind: "Node", Name: "thing-0"},
		}, metav1.CreateOptions{}))
		require.NoError(t, core.Pods(space).Delete(ctx, name, metav1.DeleteOptions{}))
		// It is gone already where the server had not yet seen the binding.
		err = core.Pods(space).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		if apierrors.IsNotFound(err) {
			atOnce++
			err = nil
		}
		require.NoError(t, err)
		event := kubeops.FailedScheduling()
		event.ObjectMeta, event.InvolvedObject.Namespace = meta, space
		_, err = core.Events(space).Create(ctx, event, metav1.CreateOptions{})
		require.NoError(t, err)
		if i%2 == 0 {
			require.NoError(t, core.ConfigMaps(space).Delete(ctx, name, metav1.DeleteOptions{}))
			require.NoError(t, custom.Delete(ctx, name, metav1.DeleteOptions{}))
		}
	}
	return atOnce
}

// of are the resources that work writes to: nobody else does.
var of = []string{"configmaps", "events", "pods", "widgetry.example.com"}

// checkChurn compares the writes that two metrics pages tell of with what etcd's watch saw.
func (l lab) checkChurn(ctx context.Context, t *testing.T) {
	first, err := l.etcd.Get(ctx, "/registry")
	require.NoError(t, err)
	before := l.page(ctx, t)
	atOnce := l.work(ctx, t)
	// Requests are counted when they have been answered.
	var churn kubeops.Churn
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		churn, err = kubeops.ChurnFromMetrics(bytes.NewReader(before), bytes.NewReader(l.page(ctx, t)), 100*time.Second)
		require.NoError(t, err)
		at := slices.IndexFunc(churn.Requests, func(r kubeops.Request) bool {
			return r.Resource == "events" && r.Verb == "POST"
		})
		assert.True(c, at >= 0 && churn.Requests[at].Rate == 0.2)
	}, 30*time.Second, 100*time.Millisecond)
	seen := l.written(ctx, t, first.Header.Revision)
	require.Equal(t, 1, churn.Servers)
	require.NotEmpty(t, churn.Etcd)

	i, err := storage.Inventory(l.dump(ctx, t)...)
	require.NoError(t, err)
	exact, _ := churn.Streams(storage, i)
	asked := churn
	asked.Etcd = nil
	fromRequests, warnings := asked.Streams(storage, i)
	require.NotEmpty(t, warnings)
	// A second patch that changes nothing is a request, but no write: 20 of the configmaps'.
	extra := map[string]float64{"configmaps TxnUpdate": 20}
	// A pod that went by one DELETE counts for half a delete.
	require.InDelta(t, 20, seen["pods TxnDelete"].n, 0)
	loose := map[string]float64{"pods TxnDelete": float64(atOnce) / 2}
	for _, name := range sorted(seen) {
		got, request := countOf(exact, name), countOf(fromRequests, name)
		t.Logf("%-32s etcd saw %3.0f, by etcd_requests_total %5.1f, by apiserver_request_total %5.1f", name,
			seen[name].n, got, request)
		// Transactions whose compare failed are among these. The requests bound them.
		assert.GreaterOrEqual(t, got, seen[name].n-0.01-loose[name], name)
		assert.LessOrEqual(t, got, max(request, seen[name].n)+0.01, name)
		assert.InDelta(t, seen[name].n+extra[name], request, 0.01+loose[name], name)
		if mean := seen[name].bytes / seen[name].n; mean > 0 {
			size := valueOf(exact, name)
			t.Logf("%-32s mean value %5.0f bytes, of the inventory %5d (%+.0f %%)", "", mean, size, 100*(float64(size)/mean-1))
		}
	}
}

type sight struct{ n, bytes float64 }

// written reads from etcd's history what was written since a revision, as a stream names it.
func (l lab) written(ctx context.Context, t *testing.T, revision int64) map[string]sight {
	t.Helper()
	last, err := l.etcd.Get(ctx, "/registry")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := map[string]sight{}
	for answer := range l.etcd.Watch(ctx, "/registry/", clientv3.WithPrefix(), clientv3.WithRev(revision+1)) {
		require.NoError(t, answer.Err())
		for _, e := range answer.Events {
			if e.Kv.ModRevision > last.Header.Revision {
				continue
			}
			kind := etcdmodel.TxnUpdate
			switch {
			case e.Type == clientv3.EventTypeDelete:
				kind = etcdmodel.TxnDelete
			case e.IsCreate():
				kind = etcdmodel.TxnCreate
			}
			rest := strings.TrimPrefix(string(e.Kv.Key), "/registry/")
			resource, _, _ := strings.Cut(rest, "/")
			if strings.HasPrefix(rest, "example.com/widgetry") {
				resource = "widgetry.example.com"
			}
			if slices.Contains(of, resource) {
				s := out[resource+" "+kind.String()]
				out[resource+" "+kind.String()] = sight{s.n + 1, s.bytes + float64(len(e.Kv.Value))}
			}
		}
		if answer.Header.Revision >= last.Header.Revision {
			break
		}
	}
	return out
}

// countOf returns how often a stream came in the 100 s that the pages are taken to be apart.
func countOf(streams []etcdmodel.Stream, name string) float64 {
	for _, s := range streams {
		if s.Name == name {
			return 100 * s.Rate
		}
	}
	return 0
}

func valueOf(streams []etcdmodel.Stream, name string) int {
	for _, s := range streams {
		if s.Name == name {
			return s.Op.Value
		}
	}
	return 0
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
