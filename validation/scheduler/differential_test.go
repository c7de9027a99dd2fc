package scheduler_test

import (
	"regexp"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/oracle"
)

// workload returns the template of a pod as a workload of n more replicas.
func workload(p *corev1.Pod, n int) capacity.Workload {
	return capacity.Workload{Namespace: p.Namespace, Replicas: n,
		Template: corev1.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}}
}

// anyNode hides the node that preemption chose. Among equals kube-scheduler takes any, this package
// the first.
func anyNode(message string) string {
	return regexp.MustCompile(`found a potential placement for pod on node \S+,`).ReplaceAllString(message,
		"found a potential placement for pod on node ANY,")
}

// compare asks engine and oracle for the same thing. It wants the same nodes in the same order and
// the same words.
func compare(t *testing.T, objects []runtime.Object, pod *corev1.Pod, n int, c scheduler.Config, o oracle.Options) {
	t.Helper()
	want, err := oracle.Run(t.Context(), objects, pod, n, o)
	require.NoError(t, err)
	s, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	e, err := scheduler.New(c)
	require.NoError(t, err)
	placements, answer, err := e.Place(t.Context(), s, workload(pod, n))
	require.NoError(t, err)
	var got []string
	for _, p := range placements {
		got = append(got, p.Node)
	}
	if d := cmp.Diff(want.Nodes, got); d != "" {
		t.Errorf("nodes, oracle %d against %d: %s", len(want.Nodes), len(got), d)
	}
	require.Equal(t, anyNode(want.Message), anyNode(answer.Message))
	require.Equal(t, len(want.Nodes), answer.Fits)
}

func TestIncidentSize(t *testing.T) {
	c := oracle.A()
	compare(t, c.Objects, c.Pod, c.Want, scheduler.Config{}, oracle.Options{})
}

func TestB(t *testing.T) {
	c := oracle.B()
	compare(t, c.Objects, c.Pod, c.Want, scheduler.Config{}, oracle.Options{})
}
