package live

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func pod(name, node string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: name},
		Spec: corev1.PodSpec{NodeName: node}}
}

func node(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }

// refuse makes the fake API server answer a list of resource with err.
func refuse(client *fake.Clientset, resource string, err error) {
	client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil,
			err
	})
}

func TestListUsesOnlyListAndKeepsWhatHoldsRoom(t *testing.T) {
	client := fake.NewClientset(node("a"), pod("bound", "a"), pod("pending", ""), pod("orphan", "gone"),
		&corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: "q"}},
		&resourcev1.DeviceTaintRule{ObjectMeta: metav1.ObjectMeta{Name: "broken"}})
	objects, warnings, err := List(context.Background(), client, 0)
	require.NoError(t, err)
	var names []string
	for _, o := range objects {
		names = append(names, o.(metav1.Object).GetName())
	}
	require.ElementsMatch(t, []string{"a", "bound", "pending", "q", "broken"}, names)
	require.Len(t, warnings, 1)
	require.EqualError(t, warnings[0], `live: pod production/orphan is bound to node "gone", which is gone: left out`)
	for _, a := range client.Actions() {
		require.Equal(t, "list", a.GetVerb())
	}
	require.Len(t, client.Actions(), len(kinds(client)))
}

func TestListOfAKindNotServedIsAWarning(t *testing.T) {
	client := fake.NewClientset(node("a"))
	refuse(client, "deviceclasses", apierrors.NewNotFound(schema.GroupResource{Resource: "deviceclasses"}, ""))
	objects, warnings, err := List(context.Background(), client, 10)
	require.NoError(t, err)
	require.Len(t, objects, 1)
	require.EqualError(t, warnings[0], "live: the cluster does not serve deviceclasses.resource.k8s.io: taken as none")
}

func TestListThatIsForbiddenIsAnError(t *testing.T) {
	client := fake.NewClientset(node("a"))
	refuse(client, "resourcequotas", apierrors.NewForbidden(schema.GroupResource{Resource: "resourcequotas"}, "", nil))
	objects, _, err := List(context.Background(), client, 0)
	require.ErrorContains(t, err, "live: list resourcequotas: ")
	require.True(t, apierrors.IsForbidden(err))
	require.Nil(t, objects)
}

func TestBadCluster(t *testing.T) {
	_, _, err := List(context.Background(), fake.NewClientset(), -1)
	require.EqualError(t, err, "live: Cluster.PageSize is -1, want >= 0")
	missing := filepath.Join(t.TempDir(), "none")
	_, _, err = Read(context.Background(), Cluster{Kubeconfig: missing})
	require.ErrorContains(t, err, "live: Cluster.Kubeconfig")
	bad := filepath.Join(t.TempDir(), "bad")
	require.NoError(t, os.WriteFile(bad, []byte("{"), 0o600))
	_, _, err = Read(context.Background(), Cluster{Kubeconfig: bad})
	require.ErrorContains(t, err, "live: Cluster.Kubeconfig")
}
