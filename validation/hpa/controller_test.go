package hpa_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	scalefake "k8s.io/client-go/scale/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"

	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"

	"github.com/redline-go/redline/hpa"
)

const namespace = "production"

// world is the real controller's view through its clients: the target's scale, the pods and their
// metrics. It is changed only while the controller sleeps.
type world struct {
	spec     autoscalingv2.HorizontalPodAutoscalerSpec
	replicas int32 // spec.replicas of the scale
	status   int32
	pods     []hpa.Pods // times are since start
	metrics  []hpa.Metric
	start    time.Time
	synced   func() // called as a sync begins, before anything is read
}

func (w *world) observe() hpa.Observation {
	return hpa.Observation{SpecReplicas: w.replicas, StatusReplicas: w.status, Pods: w.pods, Metrics: w.metrics}
}

// each pod of each group, with its name.
func (w *world) each(visit func(name string, p *hpa.Pods)) {
	for g := range w.pods {
		for i := range w.pods[g].Count {
			visit(fmt.Sprintf("pod-%d-%d", g, i), &w.pods[g])
		}
	}
}

// object returns one pod of a group. The real controller finds the requests in its spec.
func (w *world) object(name string, p *hpa.Pods) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, Labels: map[string]string{"app": "x"},
	}}
	container := corev1.Container{Name: "c", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{}}}
	for i, m := range w.spec.Metrics {
		if n := resourceOf(m); n != "" && p.Samples[i].Request >= 0 {
			container.Resources.Requests[n] = *resource.NewMilliQuantity(p.Samples[i].Request, resource.DecimalSI)
		}
	}
	pod.Spec.Containers = []corev1.Container{container}
	pod.Status.Phase = p.Phase
	if p.Terminating {
		now := metav1.NewTime(w.start)
		pod.DeletionTimestamp = &now
	}
	if !p.Unstarted {
		at := metav1.NewTime(w.start.Add(p.Started))
		pod.Status.StartTime = &at
	}
	if p.Ready != "" {
		pod.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodReady, Status: p.Ready, LastTransitionTime: metav1.NewTime(w.start.Add(p.ReadySince)),
		}}
	}
	return pod
}

func resourceOf(m autoscalingv2.MetricSpec) corev1.ResourceName {
	switch {
	case m.Resource != nil:
		return m.Resource.Name
	case m.ContainerResource != nil:
		return m.ContainerResource.Name
	}
	return ""
}

// client is the metrics API. The metric's place in the spec is in its name.
type client struct{ w *world }

var errUnavailable = errors.New("unavailable")

func (c client) perPod(i int) (metricsclient.PodMetricsInfo, time.Time, error) {
	if c.w.metrics[i].Unavailable {
		return nil, time.Time{}, errUnavailable
	}
	info := metricsclient.PodMetricsInfo{}
	c.w.each(func(name string, p *hpa.Pods) {
		if s := p.Samples[i]; !s.Missing {
			info[name] = metricsclient.PodMetric{Value: s.Value, Window: s.Window, Timestamp: c.w.start.Add(s.At)}
		}
	})
	return info, c.w.start, nil
}

func (c client) total(i int) (int64, time.Time, error) {
	if c.w.metrics[i].Unavailable {
		return 0, time.Time{}, errUnavailable
	}
	return c.w.metrics[i].Value, c.w.start, nil
}

func (c client) GetResourceMetric(
	_ context.Context, r corev1.ResourceName, _ string, _ labels.Selector, container string,
) (metricsclient.PodMetricsInfo, time.Time, error) {
	for i, m := range c.w.spec.Metrics {
		if resourceOf(m) == r && (m.ContainerResource != nil) == (container != "") {
			return c.perPod(i)
		}
	}
	return nil, time.Time{}, fmt.Errorf("no metric of %s", r)
}

func (c client) GetRawMetric(name, _ string, _, _ labels.Selector) (metricsclient.PodMetricsInfo, time.Time, error) {
	return c.perPod(indexOf(name))
}

func (c client) GetObjectMetric(
	name, _ string, _ *autoscalingv2.CrossVersionObjectReference, _ labels.Selector,
) (int64, time.Time, error) {
	return c.total(indexOf(name))
}

// An External metric comes as a series a label set: two here.
func (c client) GetExternalMetric(name, _ string, _ labels.Selector) ([]int64, time.Time, error) {
	v, at, err := c.total(indexOf(name))
	return []int64{v / 3, v - v/3}, at, err
}

func indexOf(name string) (i int) {
	_, _ = fmt.Sscanf(name, "metric-%d", &i)
	return i
}

// run drives the real controller, unchanged, in a bubble of virtual time:
// step is called every sync period, between syncs, and may change the world;
// compare at the end of each sync with the replicas the controller left.
func run(
	t *testing.T, w *world, steps int, step func(i int, now time.Duration),
	compare func(i int, now time.Duration, replicas int32),
) {
	synctest.Test(t, func(t *testing.T) {
		w.start = time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		step(0, 0)
		object := &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "x"}, Spec: w.spec,
		}
		object.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{
			APIVersion: "apps/v1", Kind: "Deployment", Name: "x",
		}
		legacyscheme.Scheme.Default(object)
		clientset := fake.NewClientset(object)
		factory := informers.NewSharedInformerFactory(clientset, 0)
		pods := factory.Core().V1().Pods()
		store := pods.Informer().GetStore()
		scales := &scalefake.FakeScaleClient{}
		scales.AddReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
			w.synced()
			return true, &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{
				Namespace: namespace, Name: "x",
			}, Spec: autoscalingv1.ScaleSpec{Replicas: w.replicas},
				Status: autoscalingv1.ScaleStatus{Replicas: w.status, Selector: "app=x"}}, nil
		})
		scales.AddReactor("update", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
			o := a.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale)
			w.replicas = o.Spec.Replicas
			return true, o, nil
		})
		synced, at := 0, time.Duration(0)
		w.synced = func() { synced, at = synced+1, time.Since(w.start) }
		controller := podautoscaler.NewHorizontalController(ctx, clientset.CoreV1(), scales, clientset.AutoscalingV2(),
			testrestmapper.TestOnlyStaticRESTMapper(legacyscheme.Scheme), client{w},
			factory.Autoscaling().V2().HorizontalPodAutoscalers(), pods,
			hpa.SyncPeriod, 5*time.Minute, 0.1, 5*time.Minute, 30*time.Second)
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
		replace := func() {
			var list []any
			w.each(func(name string, p *hpa.Pods) { list = append(list, w.object(name, p)) })
			if err := store.Replace(list, ""); err != nil {
				t.Error(err)
			}
		}
		replace()
		done := make(chan struct{})
		go func() { controller.Run(ctx, 1); close(done) }()
		for i := range steps {
			time.Sleep(hpa.SyncPeriod / 4) // the queue may be some nanoseconds behind the period
			synctest.Wait()
			if synced != i+1 {
				t.Errorf("the controller synced %d times by step %d, want one a period", synced, i)
				break
			}
			compare(i, at, w.replicas)
			step(i+1, time.Since(w.start))
			replace()
			time.Sleep(hpa.SyncPeriod * 3 / 4)
		}
		cancel()
		<-done
		factory.Shutdown()
		time.Sleep(time.Minute) // the event broadcaster's goroutines see the end
	})
}
