// Package oracle asks the real kube-scheduler where pods go. It is the pinned oracle that every
// other answer about scheduling is compared with.
//
//	r, err := oracle.Run(ctx, objects, template, 450, oracle.Options{})
//	r.Nodes    // the node of each replica placed, in order
//	r.Message  // kube-scheduler's whole sentence about the first that does not fit
//
// It calls kube-scheduler v1.37.2's own SchedulePod and PostFilter in a loop with its own cache,
// pinned where the real one is not deterministic:
//
//   - parallelism 1
//   - 100 % of the nodes, unless asked otherwise
//   - OpportunisticBatching off
//   - nodes in the order given, as the cache's node tree interleaves the zones
//
// [Loop] is the peer that pins nothing: the whole scheduler, queue and binding included, on a fake
// client.
package oracle

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// Options choose the oracle's profile. Zero is kube-scheduler's default profile on 100 % of the
// nodes.
type Options struct {
	Config     []byte                    // a KubeSchedulerConfiguration, YAML or JSON; nil: the defaults
	Registry   frameworkruntime.Registry // out-of-tree plugins
	Percentage int32                     // percentageOfNodesToScore; zero means 100
	Adaptive   bool                      // the configuration decides, else kube-scheduler's adaptive default
	KeepGoing  bool                      // try every pod, also after one did not fit
	Evict      bool                      // let preemption evict, and try the pod again
}

// Outcome holds one pod's place or refusal.
type Outcome struct {
	Node    string   // empty: not placed
	Message string   // the reason, in kube-scheduler's words
	Evicted []string // namespace/name of the pods that preemption evicted for it, sorted by node
}

// Result holds the outcome of a run.
type Result struct {
	Nodes   []string // the node of each pod placed, in order
	Message string   // the reason of the first pod that was not placed; empty if all were
	Setup   time.Duration
	Elapsed time.Duration // without setup
}

// Run places up to n replicas of the template, one after another, and stops at the first that does
// not fit.
func Run(ctx context.Context, objects []runtime.Object, template *corev1.Pod, n int, o Options) (Result, error) {
	pods := Replicas(template, n)
	outcomes, times, err := schedule(ctx, objects, pods, o)
	r := Result{Setup: times[0], Elapsed: times[1]}
	for _, c := range outcomes {
		if c.Node != "" {
			r.Nodes = append(r.Nodes, c.Node)
		} else if r.Message == "" {
			r.Message = c.Message
		}
	}
	return r, err
}

// Schedule places the pods one after another in the order given: mixed workloads, pending pods.
func Schedule(ctx context.Context, objects []runtime.Object, pods []*corev1.Pod, o Options) ([]Outcome, error) {
	out, _, err := schedule(ctx, objects, pods, o)
	return out, err
}

// Replicas makes n pods of a template, named template-0 and on, each with a UID: pods without one
// are never counted.
func Replicas(template *corev1.Pod, n int) []*corev1.Pod {
	pods := make([]*corev1.Pod, n)
	for i := range pods {
		p := template.DeepCopy()
		p.Name = fmt.Sprintf("%s-%d", template.Name, i)
		p.UID = types.UID(p.Namespace + "/" + p.Name)
		pods[i] = p
	}
	return pods
}

// bench is a scheduler that is never run: its cache, its frameworks and its SchedulePod are called
// by hand.
type bench struct {
	s       *scheduler.Scheduler
	snap    *internalcache.Snapshot
	factory informers.SharedInformerFactory
	client  *fake.Clientset
	log     klog.Logger
	pods    map[string]*corev1.Pod // those that hold a place, by namespace/name
	evicted []*corev1.Pod          // by the attempt under way
	version int                    // of the claim written last; assume caches ignore what is not newer
	// nominated is the node on which the attempt under way has made room.
	nominated string
}

func schedule(ctx context.Context, objects []runtime.Object, pods []*corev1.Pod, o Options) (out []Outcome,
	times [2]time.Duration, err error) {
	t0 := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b, err := newBench(ctx, provide(objects, pods), o)
	if err != nil {
		return nil, times, err
	}
	times[0] = time.Since(t0)
	t0 = time.Now()
	defer func() { times[1] = time.Since(t0) }()
	for _, p := range pods {
		if err := ctx.Err(); err != nil {
			return out, times, err
		}
		c, err := b.rounds(ctx, p, o.Evict)
		if err != nil {
			return out, times, err
		}
		out = append(out, c)
		if c.Node == "" && !o.KeepGoing {
			break
		}
	}
	return out, times, nil
}

// options pins the scheduler. The feature gates are process-wide and stay off.
func (o Options) options() ([]scheduler.Option, error) {
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(
		map[string]bool{string(features.OpportunisticBatching): false,
			string(features.SchedulerAsyncPreemption): false}); err != nil {
		return nil, err
	}
	pct := o.Percentage
	if pct == 0 {
		pct = 100
	}
	opts := []scheduler.Option{scheduler.WithParallelism(1), scheduler.WithFrameworkOutOfTreeRegistry(o.Registry)}
	if !o.Adaptive {
		opts = append(opts, scheduler.WithPercentageOfNodesToScore(&pct))
	}
	if o.Config == nil {
		return opts, nil
	}
	cfg, err := Decode(o.Config)
	if err != nil {
		return nil, err
	}
	if o.Adaptive {
		opts = append(opts, scheduler.WithPercentageOfNodesToScore(cfg.PercentageOfNodesToScore))
	} else {
		for i := range cfg.Profiles {
			cfg.Profiles[i].PercentageOfNodesToScore = nil
		}
	}
	return append(opts, scheduler.WithProfiles(cfg.Profiles...), scheduler.WithComponentConfigVersion(cfg.APIVersion)),
		nil
}

// Decode reads a KubeSchedulerConfiguration with kube-scheduler's own decoder and defaults.
func Decode(data []byte) (*config.KubeSchedulerConfiguration, error) {
	obj, gvk, err := scheme.Codecs.UniversalDecoder().Decode(data, nil, nil)
	if err != nil {
		return nil, err
	}
	cfg, ok := obj.(*config.KubeSchedulerConfiguration)
	if !ok {
		return nil, fmt.Errorf("oracle: %s is not a KubeSchedulerConfiguration", gvk)
	}
	cfg.APIVersion = gvk.GroupVersion().String()
	return cfg, nil
}

func newBench(ctx context.Context, objects []runtime.Object, o Options) (*bench, error) {
	opts, err := o.options()
	if err != nil {
		return nil, err
	}
	var rest []runtime.Object
	var nodes []*corev1.Node
	var pods []*corev1.Pod
	for _, obj := range objects {
		switch x := obj.(type) {
		case *corev1.Node:
			nodes = append(nodes, x)
		case *corev1.Pod:
			pods = append(pods, x)
		default:
			c := obj.DeepCopyObject()
			if m, err := meta.Accessor(c); err == nil && m.GetResourceVersion() == "" {
				m.SetResourceVersion("1")
			}
			rest = append(rest, c)
		}
	}
	b := &bench{pods: map[string]*corev1.Pod{}, log: klog.FromContext(ctx), snap: internalcache.NewEmptySnapshot(),
		client: fake.NewSimpleClientset(rest...)}
	b.client.PrependReactor("*", "pods", b.playPods)
	b.client.PrependReactor("update", "resourceclaims", b.newVersion)
	b.factory = scheduler.NewInformerFactory(b.client, 0, nil)
	b.factory.Core().V1().Namespaces().Informer()
	recorder := func(string) events.EventRecorderLogger { return &events.FakeRecorder{} }
	b.s, err = scheduler.New(ctx, b.client, b.factory, nil, recorder,
		append(opts, scheduler.WithNodeInfoSnapshot(b.snap))...)
	if err != nil {
		return nil, err
	}
	b.factory.Start(ctx.Done())
	b.factory.WaitForCacheSync(ctx.Done())
	if err := b.s.WaitForHandlersSync(ctx); err != nil {
		return nil, err
	}
	return b, b.fill(nodes, pods)
}

// fill puts nodes and pods into the scheduler's cache in the order given, past the fake client,
// which has none.
func (b *bench) fill(nodes []*corev1.Node, pods []*corev1.Pod) error {
	store := b.factory.Core().V1().Nodes().Informer().GetStore()
	for _, n := range nodes {
		b.s.Cache.AddNode(b.log, n)
		if err := store.Add(n); err != nil {
			return err
		}
	}
	podStore := b.factory.Core().V1().Pods().Informer().GetStore()
	for _, p := range pods {
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		if err := podStore.Add(p); err != nil {
			return err
		}
		if p.Spec.NodeName != "" {
			if err := b.s.Cache.AddPod(b.log, p); err != nil {
				return err
			}
			b.pods[p.Namespace+"/"+p.Name] = p
		} else if p.Status.NominatedNodeName != "" {
			b.s.SchedulingQueue.Add(context.Background(), p) // the nominator reads the whole pod from the queue
		}
	}
	return nil
}

// one runs a scheduling cycle: the gates, SchedulePod, then PostFilter or assume, Reserve and, for
// claims, PreBind.
func (b *bench) one(ctx context.Context, p *corev1.Pod) (Outcome, error) {
	fw, ok := b.s.Profiles[p.Spec.SchedulerName]
	if !ok {
		return Outcome{}, fmt.Errorf("oracle: no profile for schedulerName %q", p.Spec.SchedulerName)
	}
	if err := b.factory.Core().V1().Pods().Informer().GetStore().Add(p); err != nil {
		return Outcome{}, err
	}
	for _, pl := range fw.PreEnqueuePlugins() {
		if st := pl.PreEnqueue(ctx, p); !st.IsSuccess() {
			return Outcome{Message: st.Message()}, nil
		}
	}
	if err := b.s.Cache.UpdateSnapshot(b.log, b.snap); err != nil {
		return Outcome{}, err
	}
	pi, err := framework.NewPodInfo(p)
	if err != nil {
		return Outcome{}, err
	}
	state := framework.NewCycleState()
	r, err := b.s.SchedulePod(ctx, fw, state, &framework.QueuedPodInfo{PodInfo: pi})
	if err != nil {
		var fe *framework.FitError
		if errors.As(err, &fe) && fw.HasPostFilterPlugins() {
			found, st := fw.RunPostFilterPlugins(ctx, state, p, fe.Diagnosis.NodeToStatus)
			fe.Diagnosis.PostFilterMsg = st.Message()
			if st.IsSuccess() && found != nil && found.NominatingInfo != nil {
				b.nominated = found.NominatedNodeName
			}
		}
		return Outcome{Message: err.Error()}, ctx.Err()
	}
	return b.assume(ctx, fw, state, p, r.SuggestedHost)
}

func (b *bench) assume(ctx context.Context, fw framework.Framework, state fwk.CycleState, p *corev1.Pod,
	node string) (Outcome, error) {
	c := p.DeepCopy()
	c.Spec.NodeName = node
	if err := b.s.Cache.AssumePod(b.log, c); err != nil {
		return Outcome{}, err
	}
	b.s.SchedulingQueue.DeleteNominatedPodIfExists(c)
	if st := fw.RunReservePluginsReserve(ctx, state, c, node); !st.IsSuccess() {
		fw.RunReservePluginsUnreserve(ctx, state, c, node)
		if err := b.s.Cache.ForgetPod(b.log, c); err != nil {
			return Outcome{}, err
		}
		return Outcome{Message: refusal(p, node, st).Error()}, nil
	}
	if len(p.Spec.ResourceClaims) > 0 {
		if err := b.preBind(ctx, fw, state, c, node); err != nil {
			return Outcome{}, err
		}
	}
	b.pods[c.Namespace+"/"+c.Name] = c
	return Outcome{Node: node}, b.factory.Core().V1().Pods().Informer().GetStore().Update(c)
}

// preBind writes the claims of the pod.
func (b *bench) preBind(ctx context.Context, fw framework.Framework, state fwk.CycleState, p *corev1.Pod,
	node string) error {
	if hasVolumes(p) || asksForExtended(p) {
		if err := b.writeClaims(ctx, fw, p); err != nil {
			return err
		}
	} else if st := fw.RunPreBindPlugins(ctx, state, p, node); !st.IsSuccess() {
		return fmt.Errorf("oracle: PreBind: %s", st.Message())
	}
	return b.settle(ctx, p)
}

// hasVolumes reports whether PreBind would wait for a volume controller that is not there.
func hasVolumes(p *corev1.Pod) bool {
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim != nil || v.Ephemeral != nil {
			return true
		}
	}
	return false
}

// settle waits until the claims that PreBind wrote have come back through the informer.
func (b *bench) settle(ctx context.Context, p *corev1.Pod) error {
	informer := b.factory.Resource().V1().ResourceClaims().Informer()
	return waitFor(ctx, func() bool {
		return claimsReserved(informer.GetStore(), p)
	})
}

// waitFor waits for a change that comes within milliseconds, or on a busy machine a little later.
func waitFor(ctx context.Context, done func() bool) error {
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("oracle: the informer did not follow")
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
