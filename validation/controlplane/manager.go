package controlplane

import (
	"context"
	"errors"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	pkgcontroller "k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
	"k8s.io/kubernetes/pkg/controller/nodelifecycle"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/kubernetes/pkg/controller/podgc"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	"k8s.io/kubernetes/pkg/controller/tainteviction"
	quotainstall "k8s.io/kubernetes/pkg/quota/v1/install"
)

// controllerQPS and controllerBurst are kube-controller-manager's --kube-api-qps and
// --kube-api-burst: each controller's client has them for itself.
const (
	controllerQPS   = 20
	controllerBurst = 30
)

// startManager starts the controllers as kube-controller-manager's binary does
// (cmd/kube-controller-manager/app/{apps,core,autoscaling}.go), at its defaults.
func (c *Cluster) startManager(ctx context.Context) error {
	m := newComponent(ctx)
	client := func(controller string) *kubernetes.Clientset {
		return c.api.client(controllerUser(controller), controller, controllerQPS, controllerBurst)
	}
	f := informers.NewSharedInformerFactory(
		c.api.client("system:kube-controller-manager", "informers", controllerQPS, controllerBurst), 0,
	)
	started := make(chan struct{})
	var run []func(context.Context)

	rs := replicaset.NewReplicaSetController(
		m.ctx, f.Apps().V1().ReplicaSets(), f.Core().V1().Pods(), client("replicaset-controller"),
		replicaset.BurstReplicas,
	)
	run = append(run, func(ctx context.Context) { rs.Run(ctx, 5) })

	dep, err := deployment.NewDeploymentController(
		m.ctx, f.Apps().V1().Deployments(), f.Apps().V1().ReplicaSets(), f.Core().V1().Pods(),
		client("deployment-controller"),
	)
	if err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	run = append(run, func(ctx context.Context) { dep.Run(ctx, 5) })

	slices := endpointslice.NewController(
		m.ctx, f.Core().V1().Pods(), f.Core().V1().Services(), f.Core().V1().Nodes(),
		f.Discovery().V1().EndpointSlices(), 100, client("endpointslice-controller"), 0,
	)
	run = append(run, func(ctx context.Context) { slices.Run(ctx, 5) })

	gc := podgc.NewPodGC(m.ctx, client("pod-garbage-collector"), f.Core().V1().Pods(), f.Core().V1().Nodes(), 12500)
	run = append(run, gc.Run)

	if !c.scenario.NoKubelets {
		node := client("node-controller")
		life, err := nodelifecycle.NewNodeLifecycleController(m.ctx, f.Coordination().V1().Leases(), f.Core().V1().Pods(),
			f.Core().V1().Nodes(), f.Apps().V1().DaemonSets(),
			node, 5*time.Second, time.Minute, c.scenario.Grace, 0.1, 0.01, 50, 0.55)
		if err != nil {
			return fmt.Errorf("controlplane: %w", err)
		}
		evict, err := tainteviction.New(
			m.ctx, c.api.client(controllerUser("node-controller"), "taint eviction", controllerQPS, controllerBurst),
			f.Core().V1().Pods(), f.Core().V1().Nodes(), "taint-eviction-controller",
		)
		if err != nil {
			return fmt.Errorf("controlplane: %w", err)
		}
		run = append(run, life.Run, evict.Run)
	}
	if c.scenario.Quota > 0 {
		quota, err := newQuota(m.ctx, f, client("resourcequota-controller"), started)
		if err != nil {
			return err
		}
		run = append(run, func(ctx context.Context) { quota.Run(ctx, 5) })
	}
	if c.scenario.HPA != nil {
		hpa, err := c.newAutoscaler(m.ctx, f, client("horizontal-pod-autoscaler"))
		if err != nil {
			return err
		}
		run = append(run, hpa)
	}
	f.Start(m.ctx.Done())
	f.WaitForCacheSync(m.ctx.Done())
	close(started)
	for _, r := range run {
		m.run(r)
	}
	m.after = append(m.after, f.Shutdown)
	c.manager = m
	return c.elect(m, "kube-controller-manager")
}

func newQuota(
	ctx context.Context, f informers.SharedInformerFactory, client *kubernetes.Clientset, started chan struct{},
) (*resourcequota.Controller, error) {
	config, err := quotainstall.NewQuotaConfigurationForControllers(generic.ListerFuncForResourceFunc(f.ForResource), f)
	if err != nil {
		return nil, fmt.Errorf("controlplane: %w", err)
	}
	quota, err := resourcequota.NewController(ctx, &resourcequota.ControllerOptions{
		QuotaClient: client.CoreV1(), ResourceQuotaInformer: f.Core().V1().ResourceQuotas(),
		ResyncPeriod:    pkgcontroller.StaticResyncPeriodFunc(5 * time.Minute),
		InformerFactory: f, ReplenishmentResyncPeriod: func() time.Duration { return 12 * time.Hour },
		DiscoveryFunc: client.Discovery().ServerPreferredNamespacedResources, IgnoredResourcesFunc: config.IgnoredResources,
		InformersStarted: started, Registry: generic.NewRegistry(config.Evaluators()),
		UpdateFilter: quotainstall.DefaultUpdateFilter(),
	})
	if err != nil {
		return nil, fmt.Errorf("controlplane: %w", err)
	}
	return quota, nil
}

func (c *Cluster) newAutoscaler(
	ctx context.Context, f informers.SharedInformerFactory, client *kubernetes.Clientset,
) (func(context.Context), error) {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	config := c.api.config(
		controllerUser("horizontal-pod-autoscaler"), "horizontal-pod-autoscaler", controllerQPS, controllerBurst,
	)
	scales, err := scale.NewForConfig(
		config, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(client.Discovery()),
	)
	if err != nil {
		return nil, fmt.Errorf("controlplane: %w", err)
	}
	hpa := podautoscaler.NewHorizontalController(ctx, client.CoreV1(), scales, client.AutoscalingV2(),
		meta.RESTMapper(mapper), usage{c}, f.Autoscaling().V2().HorizontalPodAutoscalers(), f.Core().V1().Pods(),
		15*time.Second, 5*time.Minute, 0.1, 5*time.Minute, 30*time.Second)
	return func(ctx context.Context) { hpa.Run(ctx, 5) }, nil
}

// usage is the metrics server: every ready replica uses what the scenario says.
type usage struct{ c *Cluster }

func (u usage) GetResourceMetric(
	_ context.Context, name corev1.ResourceName, ns string, _ labels.Selector, _ string,
) (metrics.PodMetricsInfo, time.Time, error) {
	now := time.Now()
	info := metrics.PodMetricsInfo{}
	u.c.writes.mu.Lock()
	defer u.c.writes.mu.Unlock()
	for _, p := range u.c.writes.pods {
		if p.Labels["app"] == workload && podReady(p) {
			info[p.Name] = metrics.PodMetric{Timestamp: now, Window: 15 * time.Second, Value: u.c.usage.Load()}
		}
	}
	if len(info) == 0 {
		return nil, now, errors.New("no metrics known")
	}
	return info, now, nil
}

var errNoMetric = errors.New("controlplane: only the CPU resource has a metric")

func (usage) GetRawMetric(string, string, labels.Selector, labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	return nil, time.Time{}, errNoMetric
}

func (usage) GetObjectMetric(
	string, string, *autoscalingv2.CrossVersionObjectReference, labels.Selector,
) (int64, time.Time, error) {
	return 0, time.Time{}, errNoMetric
}

func (usage) GetExternalMetric(string, string, labels.Selector) ([]int64, time.Time, error) {
	return nil, time.Time{}, errNoMetric
}
