package cascade

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIncidentTellsItsStory(t *testing.T) {
	r, err := Run(context.Background(), Incident8829())
	require.NoError(t, err)
	for _, e := range r.Timeline {
		t.Log(e)
	}
	t.Logf("%+v", r.Verdict)
	t.Logf("%+v", r.Totals)
}

func BenchmarkIncident(b *testing.B) {
	s := Incident8829()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Run(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	}
}
