package admission_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	"k8s.io/kubernetes/pkg/quota/v1/install"

	"github.com/redline-go/redline/capacity/live"
	"github.com/redline-go/redline/validation/internal/apiserver"
)

// lab is a real kube-apiserver with the real quota and ReplicaSet controllers.
type lab struct {
	kubernetes.Interface
	ctx       context.Context
	informers informers.SharedInformerFactory // the controllers'
	marks     *int
}

var (
	classes  = map[string]int32{"low": -10, "mid": 100, "high": 1000}
	runtimes = map[string]corev1.ResourceList{"plain": nil,
		"gvisor": {"cpu": resource.MustParse("250m"), "memory": resource.MustParse("64Mi")}}
)

func newLab(t *testing.T) lab {
	t.Helper()
	config := apiserver.Start(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	client := kubernetes.NewForConfigOrDie(config)
	l := lab{client, ctx, informers.NewSharedInformerFactory(client, 0), new(int)}
	for name, value := range classes {
		_, err := l.SchedulingV1().PriorityClasses().Create(ctx,
			&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value},
			metav1.CreateOptions{})
		require.NoError(t, err)
	}
	for name, overhead := range runtimes {
		class := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Handler: name}
		if overhead != nil {
			class.Overhead = &nodev1.Overhead{PodFixed: overhead}
		}
		_, err := l.NodeV1().RuntimeClasses().Create(ctx, class, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	room := corev1.ResourceList{"cpu": resource.MustParse("1000"), "memory": resource.MustParse("4Ti"),
		"ephemeral-storage": resource.MustParse("4Ti"),
		"pods":              resource.MustParse("10000"), "example.com/gpu": resource.MustParse("10000"),
		"hugepages-2Mi": resource.MustParse("1Ti")}
	_, err := l.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "roomy"},
		Status: corev1.NodeStatus{Capacity: room, Allocatable: room}}, metav1.CreateOptions{})
	require.NoError(t, err)
	l.control(t)
	l.mark(t)
	return l
}

// control starts the two controllers, wired as kube-controller-manager does.
func (l lab) control(t *testing.T) {
	t.Helper()
	factory := l.informers
	factory.Core().V1().LimitRanges().Informer() // for seen
	replicas := replicaset.NewReplicaSetController(l.ctx, factory.Apps().V1().ReplicaSets(), factory.Core().V1().Pods(),
		l.Interface, replicaset.BurstReplicas)
	configuration, err := install.NewQuotaConfigurationForControllers(
		generic.ListerFuncForResourceFunc(factory.ForResource), factory)
	require.NoError(t, err)
	started := make(chan struct{})
	discover := l.Discovery().ServerPreferredNamespacedResources
	quotas, err := resourcequota.NewController(l.ctx, &resourcequota.ControllerOptions{
		QuotaClient: l.CoreV1(), ResourceQuotaInformer: factory.Core().V1().ResourceQuotas(), InformerFactory: factory,
		ResyncPeriod:              func() time.Duration { return 5 * time.Minute },
		ReplenishmentResyncPeriod: func() time.Duration { return 12 * time.Hour },
		DiscoveryFunc:             discover, IgnoredResourcesFunc: configuration.IgnoredResources,
		InformersStarted: started,
		Registry:         generic.NewRegistry(configuration.Evaluators()),
	})
	require.NoError(t, err)
	factory.Start(l.ctx.Done())
	close(started)
	go replicas.Run(l.ctx, 2)
	go quotas.Run(l.ctx, 2)
	go quotas.Sync(l.ctx, discover, 30*time.Second)
}

// kase is one namespace with its objects, and the workload to be created.
type kase struct {
	namespace string
	pods      []*corev1.Pod // there before the quotas
	quotas    []*corev1.ResourceQuota
	limits    []*corev1.LimitRange
	template  corev1.PodTemplateSpec
	replicas  int
}

// build makes the namespace and waits until the quota controller has counted it. It leaves out
// objects that the API server finds invalid.
func (l lab) build(t *testing.T, k *kase) {
	t.Helper()
	_, err := l.CoreV1().Namespaces().Create(l.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: k.namespace}},
		metav1.CreateOptions{})
	require.NoError(t, err)
	for i, p := range k.pods {
		l.place(t, k.namespace, i, p)
	}
	for _, r := range k.limits {
		_, _ = l.CoreV1().LimitRanges(k.namespace).Create(l.ctx, r, metav1.CreateOptions{})
	}
	l.seen(t, k.namespace) // the quota controller counts the pods
	for _, q := range k.quotas {
		_, _ = l.CoreV1().ResourceQuotas(k.namespace).Create(l.ctx, q, metav1.CreateOptions{})
	}
	require.Eventually(t, func() bool {
		list, err := l.CoreV1().ResourceQuotas(k.namespace).List(l.ctx, metav1.ListOptions{})
		require.NoError(t, err)
		for _, q := range list.Items {
			if !equality.Semantic.DeepEqual(q.Spec.Hard, q.Status.Hard) {
				return false
			}
		}
		return true
	}, time.Minute, 30*time.Millisecond)
	l.seen(t, k.namespace)
	l.admitted(t)
}

// seen waits until informers know the namespace's objects as the API server stores them.
func (l lab) seen(t *testing.T, namespace string) {
	t.Helper()
	core, everything := l.informers.Core().V1(), metav1.ListOptions{}
	require.Eventually(t, func() bool {
		pods, err := l.CoreV1().Pods(namespace).List(l.ctx, everything)
		require.NoError(t, err)
		limits, err := l.CoreV1().LimitRanges(namespace).List(l.ctx, everything)
		require.NoError(t, err)
		quotas, err := l.CoreV1().ResourceQuotas(namespace).List(l.ctx, everything)
		require.NoError(t, err)
		return knows(t, core.Pods().Informer(), pods) && knows(t, core.LimitRanges().Informer(), limits) &&
			knows(t, core.ResourceQuotas().Informer(), quotas)
	}, time.Minute, 10*time.Millisecond)
}

// knows reports whether the informer has every object of the list as it is there.
func knows(t *testing.T, informer cache.SharedIndexInformer, list runtime.Object) bool {
	all := true
	require.NoError(t, meta.EachListItem(list, func(o runtime.Object) error {
		of, err := meta.Accessor(o)
		if err != nil {
			return err
		}
		got, is, err := informer.GetStore().GetByKey(of.GetNamespace() + "/" + of.GetName())
		all = all && is && got.(metav1.Object).GetResourceVersion() == of.GetResourceVersion()
		return err
	}))
	return all
}

// place creates a pod on the node, in the phase it is to have.
func (l lab) place(t *testing.T, namespace string, i int, p *corev1.Pod) {
	t.Helper()
	phase, terminating := p.Status.Phase, p.DeletionTimestamp != nil
	p.Name, p.DeletionTimestamp, p.Spec.NodeName = fmt.Sprintf("there-%d", i), nil, "roomy"
	made, err := l.CoreV1().Pods(namespace).Create(l.ctx, p, metav1.CreateOptions{})
	if err != nil {
		return // invalid
	}
	made.Status.Phase = phase
	_, err = l.CoreV1().Pods(namespace).UpdateStatus(l.ctx, made, metav1.UpdateOptions{})
	require.NoError(t, err)
	if terminating {
		grace := int64(3600)
		require.NoError(t, l.CoreV1().Pods(namespace).Delete(l.ctx, made.Name,
			metav1.DeleteOptions{GracePeriodSeconds: &grace}))
	}
}

// dump returns the objects that a user's tool would read of this namespace.
func (l lab) dump(t *testing.T, namespace string) (objects []runtime.Object) {
	t.Helper()
	all, _, err := live.List(l.ctx, l.Interface, 0)
	require.NoError(t, err)
	for _, o := range all {
		if m := o.(metav1.Object); m.GetNamespace() == "" || m.GetNamespace() == namespace {
			objects = append(objects, o)
		}
	}
	return objects
}

// create posts the template's pods one after another, as a ReplicaSet does,
// until one is refused.
func (l lab) create(k *kase) (created []*corev1.Pod, refusal error) {
	for range k.replicas {
		p := &corev1.Pod{ObjectMeta: *k.template.ObjectMeta.DeepCopy(), Spec: *k.template.Spec.DeepCopy()}
		made, err := l.CoreV1().Pods(k.namespace).Create(l.ctx, p, metav1.CreateOptions{})
		if err != nil {
			return created, err
		}
		created = append(created, made)
	}
	return created, nil
}

// scale creates a ReplicaSet of the template and waits until it has stopped creating. It returns
// the number of its pods, and its status' message about the one that failed.
func (l lab) scale(t *testing.T, k *kase, want int) (pods int, condition string) {
	t.Helper()
	n := int32(k.replicas)
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "rs"}, Spec: appsv1.ReplicaSetSpec{Replicas: &n,
		Selector: &metav1.LabelSelector{MatchLabels: k.template.Labels}, Template: k.template}}
	_, err := l.AppsV1().ReplicaSets(k.namespace).Create(l.ctx, set, metav1.CreateOptions{})
	require.NoError(t, err)
	// It retries with growing pauses: 5 ms, 10 ms ... It must reach the count and stay there.
	same := 0
	require.Eventually(t, func() bool {
		got, err := l.AppsV1().ReplicaSets(k.namespace).Get(l.ctx, "rs", metav1.GetOptions{})
		require.NoError(t, err)
		list, err := l.CoreV1().Pods(k.namespace).List(l.ctx,
			metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(set.Spec.Selector)})
		require.NoError(t, err)
		pods, condition = len(list.Items), ""
		for _, c := range got.Status.Conditions {
			if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
				condition = c.Message
			}
		}
		if pods == want {
			same++
		} else {
			same = 0
		}
		return same > 15
	}, 2*time.Minute, 100*time.Millisecond, "the ReplicaSet must stop at %d pods, it has %d", want, pods)
	return pods, condition
}
