package capacity_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
)

// fake is an engine that knows a room and a quota.
type fake struct {
	running, room, quota int
	err                  error
}

func (f fake) Fit(_ context.Context, _ *capacity.Snapshot, w capacity.Workload) (capacity.Answer, error) {
	missing := w.Replicas - f.running
	created := min(missing, f.quota)
	a := capacity.Answer{Desired: w.Replicas, Running: f.running, Fits: min(created, f.room),
		Rejected: missing - created,
		Warnings: []error{errors.New("the engine's")}}
	if a.Pending = created - a.Fits; a.Pending > 0 {
		a.Message, a.Preemptible = "no room", 1
	}
	if a.Rejected > 0 {
		a.Refusal = "exceeded quota"
	}
	return a, f.err
}

// spread is a workload that needs an engine.
func spread(replicas int) capacity.Workload {
	w := web(replicas)
	w.Template.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: "zone",
		WhenUnsatisfiable: corev1.DoNotSchedule,
		LabelSelector:     &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}}
	return w
}

// Max has the word of whoever stops the next replica, room or quota.
func TestMaxByAnEngine(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1), bulkNode(2)) // 220 places for pods
	require.NoError(t, err)
	for _, c := range []struct {
		engine           fake
		message, refusal string
	}{
		{fake{room: 5, quota: 1000}, "no room", ""},
		{fake{room: 5, quota: 100}, "no room", ""},
		{fake{room: 5, quota: 3, running: 2}, "", "exceeded quota"},
		{fake{room: 5, quota: 5}, "", "exceeded quota"},
	} {
		answer, err := snapshot.Max(t.Context(), spread(1), capacity.Fallback(c.engine))
		require.NoError(t, err)
		fits := min(c.engine.room, c.engine.quota)
		assert.Equal(t, capacity.Answer{Desired: c.engine.running + fits, Running: c.engine.running, Fits: fits,
			Message: c.message, Refusal: c.refusal, Warnings: answer.Warnings}, answer)
		assert.Len(t, answer.Warnings, 1)
	}
	answer, err := snapshot.Max(t.Context(), spread(1), capacity.Fallback(fake{room: 5, err: context.Canceled}))
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, capacity.Answer{}, answer)
}

// An engine does not know what the snapshot left out, nor what admission let pass.
func TestWarningsBesideAnEngines(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1),
		&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "example.com/v1", Kind: "Widget"}})
	require.NoError(t, err)
	w := spread(1)
	w.Template.Spec.Priority, w.Template.Spec.SchedulerName = ptr.To[int32](7), "the engine's own"
	want := []string{
		"capacity: skipped 1 of unknown kind example.com/v1 Widget",
		"capacity: Workload.Template: spec.priority is 7, its class gives 0; counted as it stands, though the API " +
			"server refuses that in a new pod",
		"the engine's",
	}
	said := func(a capacity.Answer, err error) (texts []string) {
		t.Helper()
		require.NoError(t, err)
		for _, warning := range a.Warnings {
			texts = append(texts, warning.Error())
		}
		return texts
	}
	engine := fake{room: 5, quota: 5}
	assert.Equal(t, want, said(snapshot.Fit(t.Context(), w, capacity.Fallback(engine))))
	assert.Equal(t, want, said(snapshot.Max(t.Context(), w, capacity.Fallback(engine))))
	var answer capacity.Answer
	err = snapshot.FitInto(t.Context(), w, &answer, capacity.Fallback(engine))
	assert.Equal(t, want, said(answer, err))
	engine.err = context.Canceled
	assert.ErrorIs(t, snapshot.FitInto(t.Context(), w, &answer, capacity.Fallback(engine)), context.Canceled)
	assert.Equal(t, capacity.Answer{}, answer, "after an error the answer is empty")
}

// Options that cannot be meant are errors, also where no engine is needed, and leave no answer.
func TestBadOptions(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1))
	require.NoError(t, err)
	good := capacity.Fallback(fake{room: 5, quota: 5})
	for name, c := range map[string]struct {
		opts []capacity.Option
		want string
	}{
		"a nil engine": {[]capacity.Option{capacity.Fallback(nil)}, "option 0 has no engine, want Fallback(engine)"},
		"a nil pointer": {[]capacity.Option{capacity.Fallback((*pointer)(nil))},
			"option 0 has no engine, want Fallback(engine)"},
		"the zero Option": {[]capacity.Option{good, {}}, "option 1 has no engine, want Fallback(engine)"},
		"two engines":     {[]capacity.Option{good, good}, "option 1 is a second Fallback, want one engine"},
	} {
		for _, w := range []capacity.Workload{web(1), spread(1)} {
			answer, err := snapshot.Fit(t.Context(), w, c.opts...)
			assert.EqualError(t, err, "capacity: Fit: "+c.want, name)
			assert.Equal(t, capacity.Answer{}, answer)
			answer, err = snapshot.Max(t.Context(), w, c.opts...)
			assert.EqualError(t, err, "capacity: Max: "+c.want, name)
			assert.Equal(t, capacity.Answer{}, answer)
			answer = capacity.Answer{Fits: 7}
			err = snapshot.FitInto(t.Context(), w, &answer, c.opts...)
			assert.EqualError(t, err, "capacity: FitInto: "+c.want, name)
			assert.Equal(t, capacity.Answer{}, answer)
		}
	}
}

// pointer is an engine whose methods have a pointer receiver.
type pointer struct{ fake }

func (p *pointer) Fit(ctx context.Context, s *capacity.Snapshot, w capacity.Workload) (capacity.Answer, error) {
	return p.fake.Fit(ctx, s, w)
}

// An engine is asked only where the snapshot refuses.
func TestFallbackIsForRefusals(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1))
	require.NoError(t, err)
	engine := capacity.Fallback(fake{room: 1, quota: 1, err: errors.New("must not be asked")})
	answer, err := snapshot.Fit(t.Context(), web(3), engine)
	require.NoError(t, err)
	assert.Equal(t, 3, answer.Fits)
	_, err = snapshot.Fit(t.Context(), web(-1), engine)
	assert.EqualError(t, err, "capacity: Workload.Replicas is -1, want >= 0")
	_, err = snapshot.Fit(t.Context(), spread(3), engine)
	assert.EqualError(t, err, "must not be asked")
	_, err = snapshot.Fit(t.Context(), spread(3))
	assert.ErrorIs(t, err, capacity.ErrNeedsScheduler)
	_, err = snapshot.Max(t.Context(), spread(3))
	assert.ErrorIs(t, err, capacity.ErrNeedsScheduler)
}
