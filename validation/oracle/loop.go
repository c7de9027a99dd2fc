package oracle

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/kubernetes/pkg/scheduler"
)

// Loop runs the whole kube-scheduler, unpinned, on a fake client: n replicas are created at once,
// and it ends when each has been bound or reported unschedulable. Nodes come back in the order of
// the bindings.
func Loop(ctx context.Context, objects []runtime.Object, template *corev1.Pod, n int) (Result, error) {
	t0 := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch.DefaultChanSize = max(watch.DefaultChanSize, 40*int32(n)) // the fake watch panics when its channel is full
	client := fake.NewSimpleClientset(objects...)
	factory := scheduler.NewInformerFactory(client, 0, nil)
	factory.Core().V1().Namespaces().Informer()
	w := &watcher{client: client, total: n, done: make(chan struct{}), failed: map[string]bool{}}
	client.PrependReactor("create", "pods", w.bind)
	if _, err := factory.Core().V1().Pods().Informer().AddEventHandler(
		cache.ResourceEventHandlerFuncs{UpdateFunc: w.update}); err != nil {
		return Result{}, err
	}
	s, err := scheduler.New(ctx, client, factory, nil,
		func(string) events.EventRecorderLogger { return &events.FakeRecorder{} })
	if err != nil {
		return Result{}, err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := s.WaitForHandlersSync(ctx); err != nil {
		return Result{}, err
	}
	w.result.Setup = time.Since(t0)
	t0 = time.Now()
	var stopped sync.WaitGroup
	stopped.Go(func() { s.Run(ctx) })
	for _, p := range Replicas(template, n) {
		if _, err := client.CoreV1().Pods(p.Namespace).Create(ctx, p, metav1.CreateOptions{}); err != nil {
			return Result{}, fmt.Errorf("oracle: creating a replica: %w", err)
		}
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	elapsed := time.Since(t0)
	cancel()
	stopped.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result.Elapsed = elapsed
	return w.result, nil
}

// watcher plays the API server's part of a binding and counts the replicas that were answered.
type watcher struct {
	client *fake.Clientset
	total  int
	done   chan struct{}

	mu     sync.Mutex
	result Result
	failed map[string]bool
}

func (w *watcher) bind(a clienttesting.Action) (bool, runtime.Object, error) {
	if a.GetSubresource() != "binding" {
		return false, nil, nil
	}
	b := a.(clienttesting.CreateAction).GetObject().(*corev1.Binding)
	pods := corev1.SchemeGroupVersion.WithResource("pods")
	obj, err := w.client.Tracker().Get(pods, a.GetNamespace(), b.Name)
	if err != nil {
		return true, nil, err
	}
	p := obj.(*corev1.Pod).DeepCopy()
	p.Spec.NodeName = b.Target.Name
	p.Status.Phase = corev1.PodRunning
	if err := w.client.Tracker().Update(pods, p, a.GetNamespace()); err != nil {
		return true, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result.Nodes = append(w.result.Nodes, b.Target.Name)
	w.finish()
	return true, b, nil
}

func (w *watcher) update(_, now any) {
	p := now.(*corev1.Pod)
	if p.Spec.NodeName != "" {
		return
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			w.mu.Lock()
			w.failed[p.Name] = true
			w.result.Message = c.Message
			w.finish()
			w.mu.Unlock()
		}
	}
}

// finish closes done once, when every replica has been answered. The caller holds w.mu.
func (w *watcher) finish() {
	if len(w.result.Nodes)+len(w.failed) == w.total {
		select {
		case <-w.done:
		default:
			close(w.done)
		}
	}
}
