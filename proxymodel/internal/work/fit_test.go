package work

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Costs that no row contains are scaled like those that rows contain. The others are met.
func TestFitFindsCosts(t *testing.T) {
	truth := []float64{100, 7, 0, 3}
	prior := []float64{50, 5, 0, 1}
	var rows []Row
	for _, units := range [][]float64{{1, 10, 5, 0}, {1, 1000, 7, 0}, {3, 200, 9, 0}, {0, 50, 1, 0}} {
		y := Dot(units, truth)
		rows = append(rows, Row{Units: units, Nanos: y, Weight: 1 / y})
	}
	got := Fit(rows, prior, 1e-6)
	assert.InEpsilon(t, 100, got[0], 0.01)
	assert.InEpsilon(t, 7, got[1], 0.01)
	assert.Zero(t, got[2], "no prior: the term is not used")
	assert.Greater(t, got[3], 1.0, "never seen: scaled like the others")
	for i := range got {
		assert.GreaterOrEqual(t, got[i], 0.0)
	}
}

// Rows that say nothing leave the prior as it is.
func TestFitWithoutMeasurements(t *testing.T) {
	assert.InDeltaSlice(t, []float64{5, 2}, Fit([]Row{{Units: []float64{1, 1}, Weight: 0}}, []float64{5, 2}, 1), 1e-9)
}
