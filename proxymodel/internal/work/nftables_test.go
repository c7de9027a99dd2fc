package work

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// visitedBy counts the sets and objects that a transaction of services with a map each visits, one
// map at a time.
func visitedBy(maps, existing, objectsEach, before int) (sets, objects float64) {
	for i := range maps {
		sets += float64(nftSets + existing + i)
		objects += float64(before + i*objectsEach)
	}
	return sets, objects
}

// servicesOf returns the size of services with so many endpoints each.
func servicesOf(services, endpoints int) Size {
	s := Size{
		Ports: services, Endpoints: services * endpoints, Listed: 15 + services, Elements: 2 * services,
		MapElements: services * endpoints,
	}
	if endpoints > 1 {
		s.Maps = services
	}
	return s
}

func TestVisitsOfSyncs(t *testing.T) {
	s := servicesOf(3000, 2)
	w := NFTablesSync(&s, First, 0)
	sets, objects := visitedBy(3000, 0, 6, nftFirstBase) // chain, two elements, map, its elements, rule
	assert.InEpsilon(t, sets, w.Visits, 0.01)
	assert.InEpsilon(t, objects, w.BindVisits, 0.01)
	assert.Zero(t, w.Cold, "a list of 20,000 is warm")

	w = NFTablesSync(&s, Full, 0)
	sets, objects = visitedBy(3000, 3000, 5, nftFullBase) // chain, the old rule, map, its elements, the new rule
	assert.InEpsilon(t, sets*14/15, w.Visits, 0.01, "old maps cost less")
	assert.InEpsilon(t, objects, w.BindVisits, 0.02)

	one := servicesOf(10_000, 1)
	w = NFTablesSync(&one, Full, 0)
	assert.Zero(t, w.Visits+w.BindVisits+w.Cold, "one endpoint needs no map")
}

// A longer list costs no less per visit, and beyond the measured lengths no more.
func TestColdnessIsMonotone(t *testing.T) {
	before := 0.0
	for _, n := range []float64{0, 100, warmList, 60_000, 80_000, ColdList, 1e6} {
		c := Coldness(n, warmList, ColdList)
		assert.GreaterOrEqual(t, c, before)
		assert.LessOrEqual(t, c, 1.0)
		before = c
	}
	assert.Zero(t, Coldness(warmList, warmList, ColdList))
	assert.Equal(t, 1.0, Coldness(ColdList, warmList, ColdList))
}

// kube-proxy lists nothing in a first sync, and both chains and sets in any other.
func TestListed(t *testing.T) {
	s := servicesOf(10, 2)
	assert.Equal(t, [4]float64{}, Listed(&s, First))
	assert.Equal(t, [4]float64{25, 625, 17, 289}, Listed(&s, Partial))
}
