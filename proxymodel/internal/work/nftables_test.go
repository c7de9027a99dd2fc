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

// A partial sync writes the maps of its changed services beside all others, and nothing without
// changes.
func TestNFTablesPartialSync(t *testing.T) {
	s := servicesOf(1000, 2)
	idle := NFTablesSync(&s, Partial, 0)
	assert.Equal(t, NFTables{Execs: 1}, idle, "nothing to commit")
	assert.Equal(t, [4]float64{}, idle.User())
	w := NFTablesSync(&s, Partial, 10)
	assert.Equal(t, [4]float64{1, 30, 20, 0}, w.User(), "a transaction of 30 operations and 20 elements")
	sets, _ := visitedBy(10, 1000, 0, 0)
	assert.InEpsilon(t, sets, w.Visits, 0.01)
	kernel := w.Kernel()
	assert.Equal(t, []float64{0, 1000, 1000}, kernel[5:], "no dump; nft lists all chains and maps")
}

// kube-proxy's own work has one base cost a sync, and that of its phase.
func TestProxyUnits(t *testing.T) {
	s := servicesOf(64, 2)
	assert.Equal(t, [13]float64{0, 1, 0, 0, 64, 0, 0, 128, 0, 0, 64, 0, 0}, Proxy(&s, First, 5))
	assert.Equal(t, [13]float64{5, 0, 0, 1, 0, 0, 64, 0, 0, 128, 0, 0, 64}, Proxy(&s, Partial, 5))
	u := NFTablesProxy(&s, Partial, 5)
	assert.InDelta(t, 64*2, u[6], 1e-9, "the sixth root of 64 is 2")
	assert.InDelta(t, 64*2, u[12], 1e-9)
}
