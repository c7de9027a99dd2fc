package controlplane

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/profile"
)

// component is a process of the control plane: a context and the goroutines under it.
type component struct {
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup
	after  []func() // once the goroutines have ended
}

func newComponent(ctx context.Context) *component {
	c := &component{}
	c.ctx, c.cancel = context.WithCancel(ctx)
	return c
}

func (c *component) run(f func(context.Context)) { c.group.Go(func() { f(c.ctx) }) }

func (c *component) stop() {
	if c == nil {
		return
	}
	c.cancel()
	c.group.Wait()
	for _, f := range c.after {
		f()
	}
}

// attempts keeps when each scheduling attempt began. It is a PreFilter plugin that has
// nothing to say.
type attempts struct {
	clock clock
	mu    sync.Mutex
	at    []time.Duration
}

func (*attempts) Name() string { return "CountAttempts" }

func (a *attempts) PreFilter(
	context.Context, fwk.CycleState, *corev1.Pod, []fwk.NodeInfo,
) (*fwk.PreFilterResult, *fwk.Status) {
	a.add(a.clock.now())
	return nil, fwk.NewStatus(fwk.Skip)
}

func (a *attempts) add(at time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, at)
}

func (*attempts) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// startScheduler starts kube-scheduler as its binary does: two clients of 50 QPS, burst
// 100, one of them for Events alone.
func (c *Cluster) startScheduler(ctx context.Context) error {
	if c.scenario.Scheduler129 {
		return c.startScheduler129(ctx)
	}
	config, err := latest.Default()
	if err != nil {
		return fmt.Errorf("controlplane: scheduler config: %w", err)
	}
	count := &config.Profiles[0].Plugins.MultiPoint
	count.Enabled = append(count.Enabled, schedulerconfig.Plugin{Name: c.attempts.Name()})
	s := newComponent(ctx)
	client := c.api.client("system:kube-scheduler", "scheduler", 50, 100)
	sink := c.api.client("system:kube-scheduler", "events", 50, 100)
	informers := scheduler.NewInformerFactory(client, 0, nil)
	recorder := events.NewBroadcaster(&events.EventSinkImpl{Interface: sink.EventsV1()})
	if err := recorder.StartRecordingToSinkWithContext(s.ctx); err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	made, err := scheduler.New(s.ctx, client, informers, nil, profile.NewRecorderFactory(recorder),
		scheduler.WithProfiles(config.Profiles...),
		scheduler.WithFrameworkOutOfTreeRegistry(frameworkruntime.Registry{
			c.attempts.Name(): func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return c.attempts, nil },
		}))
	if err != nil {
		return fmt.Errorf("controlplane: scheduler: %w", err)
	}
	informers.Start(s.ctx.Done())
	informers.WaitForCacheSync(s.ctx.Done())
	if err := made.WaitForHandlersSync(s.ctx); err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	c.scheduling.Store(time.Now().UnixNano())
	s.run(made.Run)
	s.after = append(s.after, recorder.Shutdown, informers.Shutdown)
	c.scheduler = s
	return nil
}

// elect runs the real elector for a component's Lease; what it loses is logged, not
// enacted.
func (c *Cluster) elect(s *component, name string) error {
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, "kube-system", name,
		resourcelock.ResourceLockConfig{Identity: name + "_1"}, c.leaderConfig(name), 10*time.Second)
	if err != nil {
		return fmt.Errorf("controlplane: %w", err)
	}
	s.run(func(ctx context.Context) {
		for ctx.Err() == nil {
			elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
				Lock: lock, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
				Name: name,
				Callbacks: leaderelection.LeaderCallbacks{
					OnStartedLeading: func(context.Context) { c.log("leader acquired: " + name) },
					OnStoppedLeading: func() {
						if ctx.Err() == nil {
							c.log("leader lost: " + name)
						}
					},
				}})
			if err != nil {
				c.log(err.Error())
				return
			}
			elector.Run(ctx)
			sleep(ctx, 10*time.Second) // the restart's back-off
		}
	})
	return nil
}

func (c *Cluster) leaderConfig(name string) *rest.Config {
	config := c.api.config("system:"+name, "leader election", 20, 30)
	config.UserAgent = name
	return config
}

// probe is kubelet's liveness probe of kube-apiserver as kubeadm configures it: every 10 s, 15 s
// to answer, dead after 8 failures. It logs; nothing is restarted.
func (c *Cluster) probe(s *component) {
	client := c.api.client("admin", "livez", -1, 0)
	s.run(func(ctx context.Context) {
		failures := 0
		for ; sleep(ctx, 10*time.Second); failures++ {
			limited, cancel := context.WithTimeout(ctx, 15*time.Second)
			err := client.CoreV1().RESTClient().Get().AbsPath("/livez").Do(limited).Error()
			cancel()
			switch {
			case err == nil:
				failures = -1
			case failures%8 == 7:
				c.log("livez would restart kube-apiserver")
			case !errors.Is(err, context.Canceled):
				c.log("livez failed")
			}
		}
	})
}

// sleep waits and says whether the context still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
