package scheduler_test

import (
	"context"
	"math/rand/v2"
	goruntime "runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/oracle"
)

// A cancelled context ends every kind of call at once, wherever it is: the first count, whole
// cycles, the incremental path with everything followed, preemption, other orders, Explain.
//
// The test asserts the processor time that the process spends between the cancel and the return,
// with the collector off. Marking a heap of three such clusters would count, and the time that
// other processes take does not. Wall time is logged. The cancels fall within the time that a whole
// call takes, or its first 400 ms.
func TestCancel(t *testing.T) {
	const n = 5000
	bulk := oracle.C()
	shared := withClaim(bulk.Pod.DeepCopy(), "data")
	spreading := spread(n, n)
	liking := spreading.Pod.DeepCopy()
	liking.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: corev1.LabelHostname,
			LabelSelector: web}},
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 5,
			PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: corev1.LabelTopologyZone,
				LabelSelector: &metav1.LabelSelector{}, NamespaceSelector: &metav1.LabelSelector{}}}}}}
	urgent := bulk.Pod.DeepCopy()
	urgent.Spec.Priority = ptr(int32(9))
	full := snapshot(t, bulk.Objects...)
	stored := snapshot(t, append([]runtime.Object{volume("pv0", "", "default/data", corev1.ReadWriteMany),
		claim("data", "", "pv0", corev1.ReadWriteMany)}, bulk.Objects...)...)
	roomy := snapshot(t, spreading.Objects...)
	place := func(c scheduler.Config, s *capacity.Snapshot, p *corev1.Pod) func(context.Context) error {
		e := engine(t, c)
		_, err := e.Fit(t.Context(), s, workload(p, 0)) // the first count has a case of its own
		require.NoError(t, err)
		return func(ctx context.Context) error {
			_, _, err := e.Place(ctx, s, workload(p, 30000))
			return err
		}
	}
	for _, c := range []struct {
		name string
		call func(context.Context) error
	}{
		{"first count", func(ctx context.Context) error {
			_, err := engine(t, scheduler.Config{}).Fit(ctx, full, workload(bulk.Pod, 30000))
			return err
		}},
		{"incremental", place(scheduler.Config{}, full, bulk.Pod)},
		{"spread", place(scheduler.Config{}, roomy, spreading.Pod)},
		{"spread and affinity", place(scheduler.Config{}, roomy, liking)},
		{"whole cycles", place(scheduler.Config{}, stored, shared)},
		{"preemption", place(scheduler.Config{Evict: true}, full, urgent)},
		{"other orders", place(scheduler.Config{NodeOrders: 50}, roomy, spreading.Pod)},
		{"explain", func(ctx context.Context) error {
			_, err := engine(t, scheduler.Config{}).Explain(ctx, full, urgent)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			goruntime.GC()
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			draw := rand.New(rand.NewPCG(7, 7))
			whole := lasts(c.call, 400*time.Millisecond)
			var longest, most time.Duration
			cancelled := 0
			for range usual(6, 60) {
				late, spent, err := cancelAtLeast(c.call, time.Duration(draw.Int64N(int64(whole))))
				if err == nil {
					continue // it had ended before
				}
				assert.ErrorIs(t, err, context.Canceled)
				cancelled++
				longest, most = max(longest, late), max(most, spent)
			}
			t.Log("processor time at most", most, "wall at most", longest, "after", cancelled, "cancels within", whole)
			require.NotZero(t, cancelled)
			assert.Less(t, most, spentAtMost)
		})
	}
}

// spentAtMost bounds the processor time from the cancel to the return: the longest piece that is
// not asked to end.
const spentAtMost = 40 * time.Millisecond

// cancelAtLeast cancels at the same moment again where the first time took long. The piece of work
// there is the same, and the additions of a hypervisor or a page fault are not.
func cancelAtLeast(call func(context.Context) error, after time.Duration) (late, spent time.Duration, err error) {
	late, spent, err = cancelAfter(call, after)
	for range 4 {
		if spent < spentAtMost {
			break
		}
		if l, s, e := cancelAfter(call, after); e != nil && s < spent {
			late, spent, err = l, s, e
		}
	}
	return late, spent, err
}

// lasts measures the call's time, up to a limit.
func lasts(call func(context.Context) error, limit time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	start := time.Now()
	_ = call(ctx) // the limit ends the long ones
	return min(time.Since(start), limit)
}

// cancelAfter makes the call and cancels it after a while. It returns the time and the processor
// time from the cancel to the return.
func cancelAfter(call func(context.Context) error, after time.Duration) (late, spent time.Duration, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type moment struct {
		at   time.Time
		used time.Duration
	}
	stopped := make(chan moment, 1)
	timer := time.AfterFunc(after, func() { stopped <- moment{time.Now(), processorTime()}; cancel() })
	err = call(ctx)
	returned, used := time.Now(), processorTime()
	if timer.Stop() || err == nil {
		return 0, 0, err
	}
	m := <-stopped
	return returned.Sub(m.at), used - m.used, err
}

// processorTime returns the process's use of all its processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
