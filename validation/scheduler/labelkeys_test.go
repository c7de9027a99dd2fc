package scheduler_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/oracle"
)

// A rollout: the pods of the old revision are not kept away from, which kube-scheduler knows only
// from what the API server has stored. The engine gets the template, the oracle the stored pod.
func TestLabelKeysOfAffinity(t *testing.T) {
	for name, keys := range map[string]struct{ match, mismatch []string }{
		"own revision":     {match: []string{"pod-template-hash"}},
		"other revisions":  {mismatch: []string{"pod-template-hash"}},
		"key not there":    {match: []string{"absent"}},
		"both, and absent": {match: []string{"pod-template-hash"}, mismatch: []string{"tenant", "absent"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := oracle.A()
			objects := append([]runtime.Object{}, c.Objects...)
			pod := func(name, hash string) *corev1.Pod {
				p := c.Pod.DeepCopy()
				p.Name, p.UID = name, types.UID(name)
				p.Labels = map[string]string{"app": "web", "tenant": "a", "pod-template-hash": hash}
				return p
			}
			nodes := 0
			for _, o := range c.Objects {
				node, ok := o.(*corev1.Node)
				if !ok {
					continue
				}
				if nodes++; nodes%3 == 0 {
					old := pod(fmt.Sprintf("old-%d", nodes), "old")
					old.Spec.NodeName = node.Name
					old.Spec.Containers[0].Resources = corev1.ResourceRequirements{}
					objects = append(objects, old)
				}
			}
			p := pod("web", "new")
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
					TopologyKey:    corev1.LabelHostname,
					LabelSelector:  &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
					MatchLabelKeys: keys.match, MismatchLabelKeys: keys.mismatch}}}}
			stored, err := oracle.Stored(p)
			require.NoError(t, err)
			want, err := oracle.Run(t.Context(), objects, stored, 150, oracle.Options{})
			require.NoError(t, err)
			snapshot, err := capacity.NewSnapshot(objects...)
			require.NoError(t, err)
			engine, err := scheduler.New(scheduler.Config{})
			require.NoError(t, err)
			answer, err := engine.Fit(t.Context(), snapshot, workload(p, 150))
			require.NoError(t, err)
			require.Equal(t, len(want.Nodes), answer.Fits)
			require.Equal(t, want.Message, answer.Message)
			t.Log(answer.Fits, answer.Message)
		})
	}
}
