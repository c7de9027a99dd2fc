package measure

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// The costs and units that a calibration fits are those that proxymodel multiplies: a machine of
// random costs predicts the same from either side.
func TestTermsAreThoseOfPredict(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		shape := proxymodel.Uniform(1+r.IntN(3000), 1+r.IntN(3))
		m := proxymodel.DefaultMachine()
		for _, part := range allTerms(&m) {
			for _, c := range part {
				*c = proxymodel.Nanos(100 * r.Float64())
			}
		}
		for _, c := range []struct {
			mode proxymodel.Mode
			x    proxymodel.XTables
		}{
			{proxymodel.IPTables, proxymodel.Legacy}, {proxymodel.IPTables, proxymodel.NFT},
			{proxymodel.NFTables, proxymodel.Legacy},
		} {
			m.XTables = c.x
			p := predict(c.mode, m, shape)
			for phase, sync := range map[work.Phase]proxymodel.Sync{
				work.First: p.First, work.Full: p.Full, work.Partial: p.Partial,
			} {
				tools, proxy := costOf(&m, c.mode, c.x, &shape, phase)
				assert.InDelta(t, tools, float64(sync.Restore+sync.Kernel), 2, "%v %v", c, phase)
				assert.InDelta(t, proxy, float64(sync.User+sync.Background), 3, "%v %v", c, phase)
			}
		}
	}
}

// costOf returns the nanoseconds of the tools and of kube-proxy itself, from this package's terms.
func costOf(m *proxymodel.Machine, mode proxymodel.Mode, x proxymodel.XTables, s *proxymodel.Shape,
	p work.Phase) (tools, proxy float64) {
	size := sizeOf(s)
	if mode == proxymodel.NFTables {
		w := work.NFTablesSync(&size, p, 0)
		own, listed := work.NFTablesProxy(&size, p, 0), work.Listed(&size, p)
		return nftablesTerms(&m.NFTables).of(nftablesUnits(&w)),
			proxyTerms(&m.NFTables.Proxy).of(own[:]) + listTerms(&m.NFTables.Ask).of(listed[:])
	}
	c := &m.Legacy
	if x == proxymodel.NFT {
		c = &m.IPTablesNFT
	}
	w := work.IPTablesSync(&size, p, 0)
	own := work.Proxy(&size, p, 0)
	return iptablesTerms(c).of(iptablesUnits(&w, x)), proxyTerms(&c.Proxy).of(own[:])
}

// A faster machine makes kube-proxy's own work cheaper, all of it alike.
func TestPaceKeepsProportions(t *testing.T) {
	m, want := proxymodel.DefaultMachine(), proxymodel.DefaultMachine()
	p := newPace()
	p.take(3)
	scale(p.ratio(), allTerms(&m)...)
	assert.Positive(t, p.ratio())
	got, reference := proxyTerms(&m.NFTables.Proxy).values(), proxyTerms(&want.NFTables.Proxy).values()
	for i := range got {
		assert.InDelta(t, reference[i]*p.ratio(), got[i], 1e-6*reference[i])
	}
	assert.Equal(t, want.Legacy.Walk, m.Legacy.Walk, "a packet's cost is the kernel's")
}

// A fit of one tool's runs finds the costs that the runs were made of.
func TestBenchFindsCosts(t *testing.T) {
	truth := proxymodel.DefaultMachine().Legacy
	scale(1.5, iptablesTerms(&truth))
	b := bench{exec: []usage{{user: time.Millisecond, kernel: time.Millisecond}}}
	for _, c := range legacyTrials {
		shape := proxymodel.Uniform(c.services, c.endpoints)
		size := sizeOf(&shape)
		for _, p := range []work.Phase{work.First, work.Full, work.Partial} {
			w := work.IPTablesSync(&size, p, 0)
			units := iptablesUnits(&w, proxymodel.Legacy)
			took := time.Duration(iptablesTerms(&truth).of(units))
			b.add(usage{user: time.Millisecond + took, kernel: time.Millisecond}, units)
		}
	}
	got := proxymodel.DefaultMachine().Legacy
	b.into(&got.Exec, iptablesTerms(&got), 1)
	assert.InEpsilon(t, 2e6+forkCost, float64(got.Exec), 1e-9)
	for i, v := range iptablesTerms(&got).values() {
		if want := iptablesTerms(&truth).values()[i]; want > 0 {
			require.InEpsilon(t, want, v, 0.01, "coefficient %d", i)
		}
	}
}

// A wait is the shortest that was seen, and is not measured where the kernel does not wait.
func TestWaits(t *testing.T) {
	b := bench{wait: []time.Duration{5, 3, 9}}
	assert.Equal(t, proxymodel.Nanos(3), b.meanWait(7))
	assert.Zero(t, b.meanWait(0))
	assert.Equal(t, proxymodel.Nanos(7), new(bench).meanWait(7))
}

// The line through the packets needs two tables, of which the larger takes longer.
func TestWalkOfPackets(t *testing.T) {
	b := bench{packets: []packetTime{{rules: 100, miss: 1000, hit: 700}}}
	_, _, ok := b.walk()
	assert.False(t, ok)
	b.packets = append(b.packets, packetTime{rules: 1100, miss: 4000, hit: 900})
	hit, walk, ok := b.walk()
	assert.True(t, ok)
	assert.Equal(t, proxymodel.Nanos(700), hit)
	assert.Equal(t, proxymodel.Nanos(3), walk)
	assert.Equal(t, errTooBusy, b.noPackets())
	assert.Equal(t, errOutside, new(bench).noPackets())
}
