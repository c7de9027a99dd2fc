package capacity_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/validation/internal/cases"
	"github.com/redline-go/redline/validation/oracle"
)

// Random clusters and templates: count, message, and the room of every node are the scheduler's.
// The cases run side by side since each mostly waits for the scheduler's informers.
func TestRandomAgainstScheduler(t *testing.T) {
	var mu sync.Mutex
	counts := map[string]int{}
	ran := cases.Run(t, 2000, 24, func(n uint64) error {
		g := newGenerator(n)
		objects, places := g.objects()
		outcome, err := compare(t, objects, g.template(), places, g.one(3))
		mu.Lock()
		defer mu.Unlock()
		counts[outcome]++
		return err
	})
	t.Log(counts)
	if ran < 1000 {
		return // too few to meet everything
	}
	for _, kind := range []string{"fits some", "fits none", "preempts", "refused", "not created"} {
		require.NotZero(t, counts[kind], "the cases should cover %q", kind)
	}
}

// compare returns an error when capacity and the scheduler, or the API server before it, differ. In
// some cases the pods of the snapshot with the template's labels are its replicas.
func compare(t testing.TB, objects []runtime.Object, template corev1.PodTemplateSpec, places int,
	own bool) (outcome string, err error) {
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		return "", err
	}
	want := places + 1
	w := capacity.Workload{Template: template, Replicas: want}
	w.Template.Name = "web"
	if own {
		w.Selector = labels.SelectorFromSet(template.Labels)
		w.Replicas += ownReplicas(objects, w.Selector)
	}
	answer, err := snapshot.Fit(t.Context(), w)
	if errors.Is(err, capacity.ErrNeedsScheduler) {
		return "refused", mustRefuse(objects, err)
	}
	if err != nil {
		return "", err
	}
	pod, refusal, err := admitted(objects, template)
	if err != nil {
		return "", err
	}
	if refusal != "" || answer.Refusal != "" {
		if answer.Rejected != want || !slices.Equal(words(answer.Refusal), words(refusal)) {
			return "", fmt.Errorf("%d of %d rejected; we say\n%q\nthe API server says\n%q", answer.Rejected, want,
				answer.Refusal, refusal)
		}
		return "not created", nil
	}
	truth, err := oracle.Run(t.Context(), objects, pod, want, oracle.Options{})
	if err != nil {
		return "", err
	}
	if err := differs(answer, truth, want); err != nil {
		return "", err
	}
	switch {
	case strings.Contains(truth.Message, "found a potential placement"):
		return "preempts", nil
	case len(truth.Nodes) == 0:
		return "fits none", nil
	}
	return "fits some", nil
}

// ownReplicas counts, as a ReplicaSet does, the pods of the snapshot that are the workload's.
func ownReplicas(objects []runtime.Object, selector labels.Selector) (n int) {
	for _, o := range objects {
		if pod, ok := o.(*corev1.Pod); ok && pod.Namespace == "default" && pod.DeletionTimestamp == nil &&
			pod.Status.Phase == corev1.PodRunning && selector.Matches(labels.Set(pod.Labels)) {
			n++
		}
	}
	return n
}

// mustRefuse returns an error unless the refusal is right. The generator makes nothing to be
// refused but pods whose anti-affinity may matter.
func mustRefuse(objects []runtime.Object, err error) error {
	for _, o := range objects {
		if pod, ok := o.(*corev1.Pod); ok && pod.Spec.Affinity != nil &&
			strings.Contains(err.Error(), "InterPodAffinity") {
			return nil
		}
	}
	return fmt.Errorf("refused without need: %w", err)
}

var chosen = regexp.MustCompile(`on node \S+, preempting \d+ victims`)

func differs(answer capacity.Answer, truth oracle.Result, want int) error {
	if answer.Fits != len(truth.Nodes) || answer.Pending != want-len(truth.Nodes) {
		return fmt.Errorf("Fits %d, Pending %d, the scheduler places %d of %d; it says %q, we say %q",
			answer.Fits, answer.Pending, len(truth.Nodes), want, truth.Message, answer.Message)
	}
	says, said := answer.Message, truth.Message
	if byChance(answer.Warnings) {
		says, said = chosen.ReplaceAllString(says, "somewhere"), chosen.ReplaceAllString(said, "somewhere")
	}
	if says != said {
		return fmt.Errorf("we say\n%q\nthe scheduler says\n%q", answer.Message, truth.Message)
	}
	rooms := map[string]int{}
	for _, node := range truth.Nodes {
		rooms[node]++
	}
	for _, n := range answer.Nodes {
		if n.Room() != rooms[n.Node()] {
			return fmt.Errorf("the scheduler places %d on %v", rooms[n.Node()], n)
		}
	}
	return nil
}

// byChance reports whether the answer itself says that the scheduler throws dice here.
func byChance(warnings []error) bool {
	for _, w := range warnings {
		if strings.Contains(w.Error(), "random") {
			return true
		}
	}
	return false
}
