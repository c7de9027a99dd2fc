package cascade

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
)

// The same seed gives the same bytes, whatever the number of cores.
func TestDeterminism(t *testing.T) {
	first, second := run(t, Incident8829()), run(t, Incident8829())
	require.Equal(t, first, second)
	items := incident8829.ActionItems()[:3]
	one, err := Comparer{Seeds: 4, Workers: 1}.Compare(context.Background(), fault(1, 4), items...)
	require.NoError(t, err)
	many, err := Comparer{Seeds: 4, Workers: max(4, runtime.NumCPU())}.Compare(context.Background(), fault(1, 4), items...)
	require.NoError(t, err)
	for i := range one.Rows {
		one.Rows[i].Change.Apply, many.Rows[i].Change.Apply = nil, nil
	}
	one.Cheapest, many.Cheapest = nil, nil
	require.Equal(t, one, many)
}
