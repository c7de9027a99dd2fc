package kubeops

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/etcdmodel"
)

// ready are the ready-made objects under the names of the measured table.
var ready = map[string]runtime.Object{
	"pod_pending_fresh": PodPending(), "pod_pending_unschedulable": PodUnschedulable(), "pod_scheduled": PodScheduled(),
	"pod_running": PodRunning(),
	"event_core_stored_FailedScheduling_new_api": FailedScheduling(), "event_core_BackOff_kubelet": BackOff(),
	"node_lease": NodeLease(), "node_0_images": NodeStatus(0), "node_50_images": NodeStatus(50),
}

func TestReadyMadeAgainstMeasured(t *testing.T) {
	file, err := os.Open(filepath.Join("testdata", "k8s_object_sizes.csv"))
	require.NoError(t, err)
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	measured := 0
	for _, line := range lines[1:] {
		object, ok := ready[line[0]]
		if !ok {
			continue
		}
		measured++
		key, err := Key(object)
		require.NoError(t, err)
		assert.Equal(t, line[1], key)
		size, err := Size(object)
		require.NoError(t, err)
		want, err := strconv.Atoi(line[3])
		require.NoError(t, err)
		t.Logf("%-45s %5d bytes, measured %5d (%+.1f %%)", line[0], size, want, 100*(float64(size)/float64(want)-1))
		assert.LessOrEqual(t, math.Abs(float64(size)/float64(want)-1), 0.15, line[0])
	}
	assert.Len(t, ready, measured, "each has a row")
}

func TestKeys(t *testing.T) {
	named := metav1.ObjectMeta{Namespace: "a", Name: "b"}
	for want, object := range map[string]runtime.Object{
		"/registry/pods/a/b":           &corev1.Pod{ObjectMeta: named},
		"/registry/services/specs/a/b": &corev1.Service{ObjectMeta: named},
		"/registry/endpointslices/a/b": &discoveryv1.EndpointSlice{ObjectMeta: named},
		"/registry/ingress/a/b":        &networkingv1.Ingress{ObjectMeta: named},
		"/registry/minions/b":          &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "b"}},
		"/registry/resourcequotas/a/b": &corev1.ResourceQuota{ObjectMeta: named},
	} {
		got, err := Key(object)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestOpsOfObjects(t *testing.T) {
	op, err := Create(FailedScheduling())
	require.NoError(t, err)
	assert.Equal(t, etcdmodel.TxnCreate, op.Kind)
	assert.True(t, op.Lease, "an Event's key expires with its lease")
	op, err = Delete(PodRunning())
	require.NoError(t, err)
	assert.Zero(t, op.Value)
	p := PodRunning()
	before, err := Size(p)
	require.NoError(t, err)
	p.ResourceVersion = "123456789"
	after, err := Size(p)
	require.NoError(t, err)
	assert.Equal(t, before, after, "the resource version is the key's revision, not stored")
	assert.Equal(t, "123456789", p.ResourceVersion, "the caller's object is left alone")
}

func TestBadObjects(t *testing.T) {
	for want, object := range map[string]runtime.Object{
		"object is nil":         nil,
		"metadata.name is \"\"": &corev1.Pod{},
		"not of a group":        &metav1.Status{},
	} {
		_, err := Create(object)
		require.ErrorIs(t, err, ErrObject, want)
	}
	big := PodPending()
	big.Annotations = map[string]string{"big": string(make([]byte, 2<<20))}
	_, err := Update(big)
	require.ErrorIs(t, err, etcdmodel.ErrInput)
}
