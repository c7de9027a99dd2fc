// Package live reads a running cluster: which objects does a capacity question need, and what are
// they now?
//
//	objects, warnings, err := live.Read(ctx, live.Cluster{Kubeconfig: path})
//	snapshot, err := capacity.NewSnapshot(objects...)
//
// It only lists, page by page. It never watches and never writes. It is a package of its own so
// that no other light package needs client-go.
package live

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/pager"
)

// DefaultPageSize is the number of objects that one list request asks for, as kubectl's.
const DefaultPageSize = 500

// Cluster names the cluster to read. Its zero value is kubectl's choice: $KUBECONFIG, then
// ~/.kube/config, then the pod's own service account.
type Cluster struct {
	Kubeconfig string // path; empty means the default loading rules
	Context    string // of the kubeconfig; empty means its current one
	PageSize   int64  // objects a request; zero means [DefaultPageSize]
}

// Read lists every object of the cluster that a [capacity.Snapshot] takes into account. See [List]
// for the warnings and errors.
//
// [capacity.Snapshot]: https://pkg.go.dev/github.com/redline-go/redline/capacity#Snapshot
func Read(ctx context.Context, c Cluster) (objects []runtime.Object, warnings []error, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: c.Context}).ClientConfig()
	if err != nil {
		return nil, nil, fmt.Errorf("live: Cluster.Kubeconfig %q: %w", c.Kubeconfig, err)
	}
	config.ContentType = runtime.ContentTypeProtobuf // half the bytes of JSON, a fifth of the decoding
	config.UserAgent = "redline"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("live: Cluster.Kubeconfig %q: %w", c.Kubeconfig, err)
	}
	return List(ctx, client, c.PageSize)
}

// List is like [Read] with the caller's own client. A pageSize of zero means [DefaultPageSize].
//
// A kind that the API server does not serve is a warning, and so is a pod whose node is gone, which
// PodGC will remove. Neither holds room on any node. A kind that the client may not list is an
// error, since leaving it out could make a wrong answer.
func List(ctx context.Context, client kubernetes.Interface, pageSize int64) (objects []runtime.Object, warnings []error,
	err error) {
	if pageSize < 0 {
		return nil, nil, fmt.Errorf("live: Cluster.PageSize is %d, want >= 0", pageSize)
	}
	if pageSize == 0 {
		pageSize = DefaultPageSize
	}
	nodes := map[string]bool{}
	var pods []*corev1.Pod
	for _, k := range kinds(client) {
		pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object,
			error) {
			return k.list(ctx, o)
		})
		pages.PageSize = pageSize
		err := pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
			switch o := o.(type) {
			case *corev1.Pod:
				pods = append(pods, o)
				return nil
			case *corev1.Node:
				nodes[o.Name] = true
			}
			objects = append(objects, o)
			return nil
		})
		switch {
		case apierrors.IsNotFound(err):
			warnings = append(warnings, fmt.Errorf("live: the cluster does not serve %s: taken as none", k.name))
		case err != nil:
			return nil, nil, fmt.Errorf("live: list %s: %w", k.name, err)
		}
	}
	for _, pod := range pods {
		if n := pod.Spec.NodeName; n != "" && !nodes[n] {
			warnings = append(warnings, fmt.Errorf("live: pod %s/%s is bound to node %q, which is gone: left out",
				pod.Namespace, pod.Name, n))
			continue
		}
		objects = append(objects, pod)
	}
	return objects, warnings, nil
}
