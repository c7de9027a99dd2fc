package capacity_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/validation/oracle"
)

// cases is how many random cases to run: 2,000 unless REDLINE_CASES says otherwise.
func cases(t testing.TB) uint64 {
	t.Helper()
	s := os.Getenv("REDLINE_CASES")
	if s == "" {
		return 2000
	}
	n, err := strconv.ParseUint(s, 10, 32)
	require.NoError(t, err, "REDLINE_CASES")
	return n
}

// Random clusters and templates: count, message, and the room of every node are the scheduler's.
// The cases run side by side since each mostly waits for the scheduler's informers.
func TestRandomAgainstScheduler(t *testing.T) {
	var mu sync.Mutex
	counts := map[string]int{}
	group, _ := errgroup.WithContext(t.Context())
	group.SetLimit(24)
	for n := range cases(t) {
		group.Go(func() error {
			g := newGenerator(n)
			objects, places := g.objects()
			outcome, err := compare(t, objects, g.template(), places)
			if err != nil {
				return fmt.Errorf("case %d: %w", n, err)
			}
			mu.Lock()
			defer mu.Unlock()
			counts[outcome]++
			return nil
		})
	}
	require.NoError(t, group.Wait())
	t.Log(counts)
	require.LessOrEqual(t, 100*counts["invalid"], int(cases(t)), "templates that the API server refuses")
	for _, kind := range []string{"fits some", "fits none", "preempts", "refused"} {
		require.NotZero(t, counts[kind], "the cases should cover %q", kind)
	}
}

// compare is an error when capacity and the scheduler differ.
func compare(t testing.TB, objects []runtime.Object, template corev1.PodTemplateSpec, places int) (outcome string, err error) {
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		return "", err
	}
	want := places + 1
	answer, err := snapshot.Fit(t.Context(), capacity.Workload{Template: template, Replicas: want})
	if errors.Is(err, capacity.ErrNeedsScheduler) {
		return "refused", mustRefuse(objects, err)
	}
	if err != nil {
		return "", err
	}
	if answer.Rejected == want && strings.Contains(answer.Refusal, " is invalid: ") {
		return "invalid", nil // huge pages asked for beyond a limit that the server fills in: it would refuse, the oracle does not look
	}
	pod := admitted(t, template)
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

// mustRefuse: the generator makes nothing to be refused but pods whose anti-affinity may matter.
func mustRefuse(objects []runtime.Object, err error) error {
	for _, o := range objects {
		if pod, ok := o.(*corev1.Pod); ok && pod.Spec.Affinity != nil && strings.Contains(err.Error(), "InterPodAffinity") {
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
		if n.Room != rooms[n.Node] {
			return fmt.Errorf("node %s has room for %d, the scheduler places %d there", n.Node, n.Room, rooms[n.Node])
		}
	}
	return nil
}

// byChance: the answer itself says that the scheduler throws dice here.
func byChance(warnings []error) bool {
	for _, w := range warnings {
		if strings.Contains(w.Error(), "random") {
			return true
		}
	}
	return false
}
