package work

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A partial sync reads less than a full one and fetches the table once, and never more.
func TestIPTablesSyncByPhase(t *testing.T) {
	s := Size{Ports: 100, Endpoints: 200, Rules: 805, Chains: 304, Always: 105}
	first, full := IPTablesSync(&s, First, 0), IPTablesSync(&s, Full, 0)
	assert.Zero(t, first.Fetches, "nothing is there yet")
	assert.Equal(t, 7.0, full.Fetches)
	assert.Equal(t, 30.0, full.Execs, "28 for its jumps, a save and a restore")
	before := IPTablesSync(&s, Partial, 0)
	assert.Equal(t, 105.0, before.Lines)
	for _, changed := range []float64{1, 10, 100} {
		w := IPTablesSync(&s, Partial, changed)
		assert.Equal(t, 1.0, w.Fetches)
		assert.Greater(t, w.Lines, before.Lines)
		assert.LessOrEqual(t, w.Lines, full.Lines)
		assert.Greater(t, w.Compared, before.Compared)
		before = w
	}
	s.Large = true
	assert.Zero(t, IPTablesSync(&s, Partial, 1).Saves, "a large cluster prints no table")
}

// iptables-nft deletes no old rules at the first sync, and writes only the lines that it reads.
func TestIPTablesKernelUnits(t *testing.T) {
	s := Size{Ports: 10, Endpoints: 10, Rules: 55, Chains: 24, Always: 15}
	first, partial := IPTablesSync(&s, First, 0), IPTablesSync(&s, Partial, 0)
	assert.Equal(t, [4]float64{0, 55, 0, 0}, first.Kernel(true))
	assert.Equal(t, [4]float64{0, 55, 15, 0}, first.Kernel(false))
	assert.Equal(t, [4]float64{55, 15, 15, 55}, partial.Kernel(true))
	assert.Equal(t, [4]float64{55, 55, 15, 55}, partial.Kernel(false))
}
