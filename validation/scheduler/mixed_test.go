package scheduler_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/internal/cases"
	"github.com/redline-go/redline/validation/oracle"
)

// contest is a cluster where several workloads and pending pods of different priorities want
// places.
type contest struct {
	*mixture
	config    scheduler.Config
	options   oracle.Options
	pending   []*corev1.Pod
	templates []*corev1.Pod
	replicas  []int
}

func newContest(seed uint64) *contest {
	c := &contest{mixture: newMixture(seed)}
	c.Rand = rand.New(rand.NewPCG(seed, 0x636f6e74657374))
	c.config.Profile = configuration(pick(c.mixture, profileNames...))
	c.config.PendingFirst, c.config.Evict = c.one(2), c.one(2)
	c.options = oracle.Options{Config: c.config.Profile, KeepGoing: true, Evict: c.config.Evict}
	if c.one(12) { // more nodes than sampling leaves unseen
		for i := range 100 + c.IntN(60) {
			c.node(100+i, 3)
		}
		c.config.PercentageOfNodesToScore = int32(1 + c.IntN(99))
		c.options.Percentage = c.config.PercentageOfNodesToScore
	}
	c.rank()
	for i := range c.IntN(5) {
		p := c.pod(fmt.Sprintf("waiting-%d", i))
		p.Spec.Priority = ptr(int32(c.IntN(4)))
		p.Status.StartTime = c.started(500 + i)
		c.pending, c.objects = append(c.pending, p), append(c.objects, p)
	}
	for i := range 1 + c.IntN(3) {
		p := c.pod(fmt.Sprintf("w%d", i))
		p.Spec.Priority = ptr(int32(c.IntN(5)))
		if c.one(6) {
			p.Spec.PreemptionPolicy = ptr(corev1.PreemptNever)
		}
		c.templates, c.replicas = append(c.templates, p), append(c.replicas, 1+c.IntN(12))
	}
	return c
}

// started draws a time of its own for each pod, since among victims that started together
// kube-scheduler takes any.
func (c *contest) started(i int) *metav1.Time {
	t := metav1.NewTime(time.Unix(1700000000+int64(c.IntN(1000))*1000+int64(i), 0))
	return &t
}

// rank gives the pods that run priorities and start times, and some of them budgets.
func (c *contest) rank() {
	for i, o := range c.objects {
		if p, ok := o.(*corev1.Pod); ok {
			p.Spec.Priority, p.Status.StartTime = ptr(int32(c.IntN(4))), c.started(i)
			// Preemption does not evict such a pod once more, so that nothing tells the oracle whom
			// it chose.
			p.DeletionTimestamp = nil
		}
	}
	for i := range c.IntN(3) {
		c.objects = append(c.objects, &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default",
			Name: fmt.Sprintf("budget-%d", i)},
			Spec:   policyv1.PodDisruptionBudgetSpec{Selector: c.selector(), MinAvailable: ptr(intstr.FromInt32(1))},
			Status: policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: int32(c.IntN(2))}})
	}
}

// queue returns the pods that the oracle is to place, in order, and for each pod the workload it
// belongs to.
func (c *contest) queue() (pods []*corev1.Pod, of []int) {
	higher := func(a, b *corev1.Pod) int { return int(*b.Spec.Priority - *a.Spec.Priority) }
	if c.config.PendingFirst {
		waiting := slices.Clone(c.pending)
		slices.SortStableFunc(waiting, higher)
		for _, p := range waiting {
			pods, of = append(pods, p.DeepCopy()), append(of, -1)
		}
	}
	order := make([]int, len(c.templates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return higher(c.templates[a], c.templates[b]) })
	for _, i := range order {
		for _, p := range oracle.Replicas(c.templates[i], c.replicas[i]) {
			pods, of = append(pods, p), append(of, i)
		}
	}
	return pods, of
}

// seat is one placement, as both sides tell it.
type seat struct {
	Workload int
	Node     string
	Evicted  []string
}

// Several workloads and pending pods in one cluster, with and without evictions: every placement,
// every eviction, the count and the message of each workload.
func TestRandomContests(t *testing.T) {
	first, count := cases.Span(t, usual(120, 20000))
	evictions := 0
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprintf("%d", seed), func(t *testing.T) { evictions += newContest(seed).compare(t) })
	}
	t.Log(evictions, "placements evicted somebody")
}

func (c *contest) compare(t *testing.T) (evictions int) {
	pods, of := c.queue()
	outcomes, err := oracle.Schedule(t.Context(), c.objects, pods, c.options)
	require.NoError(t, err)
	var want []seat
	messages := make([]string, len(c.templates))
	for i, o := range outcomes {
		if w := of[i]; o.Node != "" {
			slices.Sort(o.Evicted)
			want = append(want, seat{w, o.Node, o.Evicted})
		} else if w >= 0 && messages[w] == "" {
			messages[w] = o.Message
		}
	}
	var ws []capacity.Workload
	for i, p := range c.templates {
		ws = append(ws, workload(p, c.replicas[i]))
	}
	placements, answers, err := engine(t, c.config).PlaceAll(t.Context(), snapshot(t, c.objects...), ws...)
	require.NoError(t, err)
	var got []seat
	for _, p := range placements {
		slices.Sort(p.Evicted)
		got = append(got, seat{p.Workload, p.Node, p.Evicted})
		if len(p.Evicted) > 0 {
			evictions++
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("placements, oracle %d against %d: %s", len(want), len(got), d)
	}
	for i, a := range answers {
		require.Equal(t, anyNode(messages[i]), anyNode(a.Message), "workload %d", i)
	}
	return evictions
}
