package capacity_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/redline-go/redline/capacity"
)

// racing is set when the tests run with the race detector.
var racing bool

// A resource-only template costs the answer, whatever the number of nodes: Nodes, and what the
// library of declared features takes (2); with replicas left over also Message, Reasons and the two
// parts that preemption's sentence is made of.
func TestFitAllocatesTheAnswer(t *testing.T) {
	if racing {
		t.Skip("with the race detector memory is not used again for sure")
	}
	for _, n := range []int{10, 1000} {
		objects, places := bulk(n)
		snapshot, err := capacity.NewSnapshot(objects...)
		require.NoError(t, err)
		for _, c := range []struct {
			over, fit, into float64
		}{{0, 3, 2}, {10, 8, 7}} {
			w := web(places + int(c.over))
			w.Selector = labels.SelectorFromSet(labels.Set{"app": "web"})
			fit := testing.AllocsPerRun(100, func() {
				answer, err := snapshot.Fit(context.Background(), w)
				if err != nil || answer.Fits != places || answer.Pending != int(c.over) {
					t.Error(answer.Fits, answer.Pending, err)
				}
			})
			var answer capacity.Answer
			into := testing.AllocsPerRun(100, func() {
				if err := snapshot.FitInto(context.Background(), w, &answer); err != nil || answer.Fits != places {
					t.Error(answer.Fits, err)
				}
			})
			assert.LessOrEqual(t, fit, c.fit, "%d nodes, %v pending", n, c.over)
			assert.LessOrEqual(t, into, c.into, "%d nodes, %v pending", n, c.over)
		}
	}
}

// FitInto gives Fit's answer, whatever was in the old one, and nothing of it where there is none.
func TestFitIntoIsFit(t *testing.T) {
	var answer capacity.Answer
	for _, n := range []int{20, 50, 3, 0, 50} {
		objects, places := bulk(n)
		snapshot, err := capacity.NewSnapshot(objects...)
		require.NoError(t, err)
		for _, replicas := range []int{0, places, places + 3} {
			want, err := snapshot.Fit(context.Background(), web(replicas))
			require.NoError(t, err)
			require.NoError(t, snapshot.FitInto(context.Background(), web(replicas), &answer))
			require.Equal(t, want, answer, "%d nodes, %d replicas", n, replicas)
			for i := range answer.Nodes {
				answer.Nodes[i] = capacity.NewNodeRoom("old", 7, "old")
			}
		}
	}
	snapshot, err := capacity.NewSnapshot()
	require.NoError(t, err)
	require.Error(t, snapshot.FitInto(context.Background(), capacity.Workload{}, &answer))
	assert.Equal(t, capacity.Answer{}, answer)
	assert.EqualError(t, snapshot.FitInto(context.Background(), web(1), nil),
		"capacity: FitInto: answer is nil, want one to overwrite")
}

// A template is shared with the question and never written to, quantities behind pointers included,
// and questions after one another leave no trace in each other.
func TestFitLeavesTheTemplateAlone(t *testing.T) {
	objects, places := bulk(10)
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	huge, usual := web(3), web(3)
	huge.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceMemory] = resource.MustParse(
		"99999999999999999999")
	huge.Template.Spec.Tolerations = make([]corev1.Toleration, 1, 8)
	before := *huge.Template.DeepCopy()
	for range 3 {
		answer, err := snapshot.Fit(context.Background(), huge)
		require.NoError(t, err)
		assert.Zero(t, answer.Fits)
		require.Equal(t, before, huge.Template)
		assert.Equal(t, corev1.Toleration{}, huge.Template.Spec.Tolerations[:2][1])
		answer, err = snapshot.Max(context.Background(), usual)
		require.NoError(t, err)
		assert.Equal(t, places, answer.Fits)
	}
}
