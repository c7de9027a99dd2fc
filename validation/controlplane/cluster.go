package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/redline-go/redline/validation/internal/lost"
)

const (
	namespace = "production"
	workload  = "api-gateway"
)

// Cluster is a running control plane.
type Cluster struct {
	scenario  Scenario
	clock     clock
	etcd      *etcd
	api       *api
	requests  *requests
	writes    *writes
	attempts  *attempts
	admin     *kubernetes.Clientset
	kubelets  []*kubelet
	scheduler *component
	manager   *component
	others    *component // probes, watches, repeated actions
	usage     atomic.Int64
	watch     *lost.Watch
	processor lost.Processor // at the beginning: the cluster's, then the scenario's

	scheduler129 string       // the program, in a directory of its own
	scheduling   atomic.Int64 // when kube-scheduler began, in ns since 1970

	mu       sync.Mutex
	entries  []Entry
	samples  []Sample
	repeated map[string]context.CancelFunc
}

// Entry is a line of the scenario's log.
type Entry struct {
	At   time.Duration
	Text string
}

// needMemory is the memory that 100 nodes and 1,000 pods may take, with etcd. Measured: 580 MB
// (validation/RESULTS/retry.md).
const needMemory = 3 << 30

// Run starts a cluster, puts it through the scenario, stops it and says what happened.
// It skips the test where the machine has no room or cannot slow a disk.
func Run(t testing.TB, s Scenario) *Result {
	t.Helper()
	if free := freeMemory(); free > 0 && free < needMemory {
		t.Skipf("a control plane needs %d MB of free memory, here are %d", needMemory>>20, free>>20)
	}
	s = s.withDefaults()
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	c := newCluster(s)
	if s.Scheduler129 {
		c.scheduler129 = buildScheduler129(t)
	}
	began := time.Now()
	c.watch, c.processor = lost.Start(), lost.ReadProcessor()
	defer c.watch.Stop()
	defer c.stop()
	c.start(t)
	ready := time.Since(began)
	processor := lost.ReadProcessor()
	others := processor.OthersSince(c.processor)
	c.processor = processor
	c.clock.start()
	c.log("ready")
	c.play(t)
	r := c.result(ready)
	r.SetupAlone = time.Duration(float64(ready-r.Lost(-ready, 0)) / (1 + lost.Stretch(max(0, others-kernels))))
	return r
}

func (s Scenario) withDefaults() Scenario {
	set := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	set(&s.NodeCPU, "100m")
	set(&s.NodeMemory, "64Gi")
	if s.Nodes == 0 {
		s.Nodes = 100
	}
	if s.Grace == 0 {
		s.Grace = 40 * time.Second
	}
	s.Actions = slices.Clone(s.Actions)
	slices.SortStableFunc(s.Actions, func(a, b Action) int { return int(a.At - b.At) })
	return s
}

func newCluster(s Scenario) *Cluster {
	c := &Cluster{scenario: s, clock: newClock(), repeated: map[string]context.CancelFunc{}}
	c.requests, c.writes, c.attempts = &requests{clock: c.clock}, newWrites(c.clock), &attempts{clock: c.clock}
	c.others = newComponent(context.Background())
	return c
}

// start brings everything up, up to ready nodes and running replicas.
func (c *Cluster) start(t testing.TB) {
	silenceKlog()
	c.etcd = startEtcd(t, c.scenario)
	c.log("etcd runs")
	c.others.run(func(ctx context.Context) { c.writes.watch(ctx, c.etcd.client) })
	c.api = startAPI(t, c.scenario, c.etcd.endpoints, c.requests)
	c.log("kube-apiserver runs")
	c.admin = c.api.client("admin", "admin", -1, 0)
	if err := c.populate(context.Background()); err != nil {
		t.Fatalf("controlplane: set up: %v", err)
	}
}

// stop ends everything in the order in which a machine room would.
func (c *Cluster) stop() {
	for _, k := range c.kubelets {
		k.process.cancel()
	}
	for _, k := range c.kubelets {
		k.stop()
	}
	c.others.stop()
	c.scheduler.stop()
	c.manager.stop()
	if c.api != nil {
		c.api.stop()
	}
}

// play runs the scenario's actions at their times and samples the state every second.
func (c *Cluster) play(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var sampling sync.WaitGroup
	sampling.Go(func() { c.sample(ctx) })
	for _, a := range c.scenario.Actions {
		sleep(ctx, time.Until(c.clock.time(a.At)))
		c.log(a.Name)
		if err := a.Do(c.others.ctx, c); err != nil {
			c.log(fmt.Sprintf("%s: %v", a.Name, err))
			if errors.Is(err, ErrScenario) {
				t.Errorf("%v %s: %v", a.At, a.Name, err)
			}
			t.Logf("%v %s: %v", a.At, a.Name, err)
		}
	}
	sleep(ctx, time.Until(c.clock.time(c.scenario.Length)))
	cancel()
	sampling.Wait()
}

func (c *Cluster) log(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = append(c.entries, Entry{c.clock.now(), text})
}

// repeat runs f every so often under a name, until repeat is called with that name
// again.
func (c *Cluster) repeat(ctx context.Context, name string, every time.Duration, f func(context.Context, int) error) {
	if cancel := c.repeated[name]; cancel != nil {
		cancel()
	}
	if every <= 0 {
		return
	}
	ctx, c.repeated[name] = context.WithCancel(ctx)
	c.others.group.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for i := 0; ; i++ {
			if err := f(ctx, i); err != nil && ctx.Err() == nil {
				c.log(name + ": " + err.Error())
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
}

// silenceKlog keeps the components' own logs out of the test's: what they do is seen in
// etcd.
var silenceKlog = sync.OnceFunc(func() { klog.SetLogger(logr.Discard()) })

// freeMemory returns the machine's available memory, or 0 if that is not known.
func freeMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}

func nodeName(i int) string   { return fmt.Sprintf("node-w-%03d", i) }
func fillerName(i int) string { return fmt.Sprintf("filler-%05d", i) }
