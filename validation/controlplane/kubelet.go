package controlplane

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/connrotation"
	"k8s.io/component-helpers/apimachinery/lease"
	kubeletutil "k8s.io/kubernetes/pkg/kubelet/util"
	utilclock "k8s.io/utils/clock"
)

// What a kubelet does by default (pkg/kubelet/kubelet.go, status/status_manager.go).
const (
	leaseSeconds    = 40
	leaseRenewal    = leaseSeconds * time.Second / 4
	statusPeriod    = 10 * time.Second // how often node status is looked at
	statusReport    = 5 * time.Minute  // how often it is written when nothing has changed
	podBatch        = 10 * time.Second // how often pod statuses are reconciled
	containerStart  = time.Second      // assumed: from binding to Running
	containerStop   = 2 * time.Second  // assumed: from deletion to stopped containers
	kubeletSpread   = 10 * time.Second // kubelets do not start at the same instant
	heartbeatBudget = 10 * time.Second // the heartbeat client's timeout
)

// kubelet does what a kubelet asks of the API server, and runs nothing.
type kubelet struct {
	c         *Cluster
	name      string
	client    *kubernetes.Clientset // 50 QPS, burst 100
	heartbeat *kubernetes.Clientset // no limit, 10 s
	closeAll  func()                // drops all connections, as after repeated heartbeat failures
	process   *component
	random    *rand.Rand

	mu       sync.Mutex
	pods     map[types.UID]*corev1.Pod
	seen     map[types.UID]bool // containers started
	killing  map[types.UID]bool
	dirty    chan types.UID
	reported time.Time // last write of node status
}

func newKubelet(c *Cluster, i int) *kubelet {
	k := &kubelet{c: c, name: nodeName(i), seen: map[types.UID]bool{}, random: rand.New(rand.NewPCG(uint64(i), 8829))}
	base := c.api.config("system:node:"+k.name, "kubelet", 50, 100)
	dialer := connrotation.NewDialer((&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext)
	base.Dial, base.WrapTransport, k.closeAll = dialer.DialContext, nil, dialer.CloseAll
	transport, err := rest.TransportFor(base) // both clients share the kubelet's connection
	if err != nil {
		panic(err) // the config is ours
	}
	c.api.transport = append(c.api.transport, transport)
	set := func(class string, qps float32, timeout time.Duration) *kubernetes.Clientset {
		config := rest.CopyConfig(base)
		config.QPS = qps
		s, err := kubernetes.NewForConfigAndClient(config, &http.Client{
			Transport: c.requests.wrap(class)(transport), Timeout: timeout,
		})
		if err != nil {
			panic(err)
		}
		return s
	}
	k.client, k.heartbeat = set("kubelet", 50, 0), set("heartbeat", -1, heartbeatBudget)
	return k
}

// start begins the kubelet's loops within a random part of spread.
func (k *kubelet) start(ctx context.Context, spread time.Duration) {
	k.mu.Lock()
	k.pods, k.killing, k.dirty = map[types.UID]*corev1.Pod{}, map[types.UID]bool{}, make(chan types.UID, 1024)
	k.mu.Unlock()
	p := newComponent(ctx)
	k.process = p
	wait := time.Duration(k.random.Int64N(int64(spread)))
	p.run(func(ctx context.Context) {
		if !sleep(ctx, wait) {
			return
		}
		k.loops(p)
	})
}

func (k *kubelet) stop() {
	k.process.stop()
	k.closeAll()
}

func (k *kubelet) loops(p *component) {
	ctx := p.ctx
	leases := lease.NewController(utilclock.RealClock{}, k.heartbeat, k.name, leaseSeconds, k.closeAll, leaseRenewal,
		k.name, corev1.NamespaceNodeLease, kubeletutil.SetNodeOwnerFunc(ctx, k.heartbeat, k.name))
	p.run(leases.Run)
	p.run(func(ctx context.Context) { wait.JitterUntilWithContext(ctx, k.syncNode, statusPeriod, 0.04, true) })
	own := k.informersOf("spec.nodeName")
	own.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { k.podChanged(p, o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { k.podChanged(p, o.(*corev1.Pod)) },
		DeleteFunc: k.podGone,
	})
	own.Start(ctx.Done())
	node := k.informersOf("metadata.name")
	node.Core().V1().Nodes().Informer()
	node.Start(ctx.Done())
	k.syncPods(ctx)
	own.Shutdown()
	node.Shutdown()
}

// informersOf returns informers of the objects whose field is the kubelet's own name.
func (k *kubelet) informersOf(field string) informers.SharedInformerFactory {
	return informers.NewSharedInformerFactoryWithOptions(k.client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector(field, k.name).String()
		}))
}

func (k *kubelet) podChanged(p *component, pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	uid := pod.UID
	k.pods[uid] = pod
	switch {
	case pod.DeletionTimestamp != nil && !k.killing[uid]:
		k.killing[uid] = true
		p.run(func(ctx context.Context) { k.kill(ctx, pod) })
	case pod.DeletionTimestamp == nil && !k.seen[uid]:
		k.seen[uid] = true
		dirty := k.dirty
		p.run(func(ctx context.Context) {
			if sleep(ctx, containerStart) {
				dirty <- uid
			}
		})
	}
}

func (k *kubelet) podGone(o any) {
	if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = d.Obj
	}
	if pod, ok := o.(*corev1.Pod); ok {
		k.mu.Lock()
		delete(k.pods, pod.UID)
		delete(k.seen, pod.UID)
		k.mu.Unlock()
	}
}

// kill stops the containers and then deletes the object, as the status manager does.
func (k *kubelet) kill(ctx context.Context, pod *corev1.Pod) {
	now := int64(0)
	options := metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(pod.UID))}
	for pause := containerStop; sleep(ctx, pause); pause = podBatch {
		err := k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, options)
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return
		}
	}
}
