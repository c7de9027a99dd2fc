package proxymodel

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// visitedBy counts the sets and objects that a transaction of services with a
// map each visits, one map at a time.
func visitedBy(maps, existing, objectsEach, before int) (sets, objects float64) {
	for i := range maps {
		sets += float64(nftSets + existing + i)
		objects += float64(before + i*objectsEach)
	}
	return sets, objects
}

func TestVisitsOfSyncs(t *testing.T) {
	s := Uniform(3000, 2)
	w := nftablesWork(&s, first, 0)
	sets, objects := visitedBy(3000, 0, 6, nftFirstBase) // chain, two elements, map, its elements, rule
	assert.InEpsilon(t, sets, w.visits, 0.01)
	assert.InEpsilon(t, objects, w.bindVisits, 0.01)
	assert.Zero(t, w.cold, "a list of 20,000 is warm")

	w = nftablesWork(&s, full, 0)
	sets, objects = visitedBy(3000, 3000, 5, nftFullBase) // chain, the old rule, map, its elements, the new rule
	assert.InEpsilon(t, sets*14/15, w.visits, 0.01, "old maps cost less")
	assert.InEpsilon(t, objects, w.bindVisits, 0.02)

	one := Uniform(10_000, 1)
	w = nftablesWork(&one, full, 0)
	assert.Zero(t, w.visits+w.bindVisits+w.cold, "one endpoint needs no map")
}

// A longer list costs no less per visit, and beyond what was measured no more.
func TestColdnessIsMonotone(t *testing.T) {
	before := 0.0
	for _, n := range []float64{0, 100, warmList, 60_000, 80_000, coldList, 1e6} {
		c := coldness(n, warmList, coldList)
		assert.GreaterOrEqual(t, c, before)
		assert.LessOrEqual(t, c, 1.0)
		before = c
	}
	assert.Zero(t, coldness(warmList, warmList, coldList))
	assert.Equal(t, 1.0, coldness(coldList, warmList, coldList))
}
