package live_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/capacity/live"
	"github.com/redline-go/redline/validation/internal/apiserver"
)

// reader is a user that RBAC lets list, and nothing else.
const reader = "redline-reader"

func TestReadARealCluster(t *testing.T) {
	ctx := context.Background()
	config := apiserver.Start(t, "--authorization-mode=RBAC")
	admin := kubernetes.NewForConfigOrDie(config)
	const nodes, pods = 7, 25
	fill(ctx, t, admin, nodes, pods)
	role := allow(ctx, t, admin)

	cluster := live.Cluster{Kubeconfig: kubeconfig(t, config), PageSize: 3}
	var objects []runtime.Object
	require.Eventually(t, func() bool { // until the authorizer has seen the new role
		var warnings []error
		var err error
		objects, warnings, err = live.Read(ctx, cluster)
		return err == nil && len(warnings) == 0
	}, 30*time.Second, 100*time.Millisecond)
	count := map[string]int{}
	for _, o := range objects {
		count[fmt.Sprintf("%T", o)]++
	}
	require.Equal(t, nodes, count["*v1.Node"])
	require.Equal(t, pods, count["*v1.Pod"])
	require.Equal(t, 1, count["*v1.ResourceQuota"])
	require.GreaterOrEqual(t, count["*v1.PriorityClass"], 3, "the two system classes and ours")

	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	answer, err := snapshot.Fit(ctx, capacity.Workload{Namespace: "production", Template: template(), Replicas: 50})
	require.NoError(t, err)
	// 7 nodes of 4 cpu hold 8 pods of 500m each; 25 are there. The quota allows 30 in all.
	require.Equal(t, 5, answer.Fits)
	require.Equal(t, 45, answer.Rejected)

	role.Rules[0].APIGroups = []string{"apps", "policy", "scheduling.k8s.io", "node.k8s.io", "storage.k8s.io",
		"resource.k8s.io"}
	_, err = admin.RbacV1().ClusterRoles().Update(ctx, role, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, _, err = live.Read(ctx, cluster)
		return apierrors.IsForbidden(err)
	}, 30*time.Second, 100*time.Millisecond)
	require.ErrorContains(t, err, "live: list pods: ")
}

func template() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "x"}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "x", Image: "x", Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}}}}}}
}

func fill(ctx context.Context, t *testing.T, c kubernetes.Interface, nodes, pods int) {
	t.Helper()
	_, err := c.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "production"}},
		metav1.CreateOptions{})
	require.NoError(t, err)
	room := corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("16Gi"),
		"pods": resource.MustParse("110")}
	for i := range nodes {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i)},
			Status: corev1.NodeStatus{Capacity: room, Allocatable: room}}
		_, err := c.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	_, err = c.SchedulingV1().PriorityClasses().Create(ctx,
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Value: 7}, metav1.CreateOptions{})
	require.NoError(t, err)
	for i := range pods {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%d", i)}, Spec: template().Spec}
		p.Spec.NodeName = fmt.Sprintf("node-%d", i%nodes)
		_, err := c.CoreV1().Pods("production").Create(ctx, p, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "quota"},
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"pods": resource.MustParse("30")}}}
	_, err = c.CoreV1().ResourceQuotas("production").Create(ctx, quota, metav1.CreateOptions{})
	require.NoError(t, err)
}

// allow lets the reader list everything.
func allow(ctx context.Context, t *testing.T, c kubernetes.Interface) *rbacv1.ClusterRole {
	t.Helper()
	role, err := c.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: reader},
		Rules: []rbacv1.PolicyRule{{Verbs: []string{"list"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}},
		metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = c.RbacV1().ClusterRoleBindings().Create(ctx,
		&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: reader},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: reader},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: reader}}},
		metav1.CreateOptions{})
	require.NoError(t, err)
	return role
}

// kubeconfig writes a file with which the reader, impersonated, reaches the server.
func kubeconfig(t *testing.T, config *rest.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"test": {Server: config.Host,
			CertificateAuthorityData: config.CAData,
			CertificateAuthority:     config.CAFile, TLSServerName: config.ServerName}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"test": {Token: config.BearerToken, Impersonate: reader}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, path))
	return path
}
