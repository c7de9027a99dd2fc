package proxymodel

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// realSync is a sync of a real proxier, measured by validation/proxycost: the
// median of its repetitions. Seconds; user and kernel are of kube-proxy's
// children, self is its own.
type realSync struct {
	mode                string
	services, endpoints int
	phase               phase
	changed             float64
	wall                float64
	self, user, kernel  float64
	held                bool // not fitted
}

func (r *realSync) cpu() float64  { return r.self + r.user + r.kernel }
func (r *realSync) shape() *Shape { s := Uniform(r.services, r.endpoints); return &s }
func (r *realSync) String() string {
	return fmt.Sprintf("%s %dx%d %s %v", r.mode, r.services, r.endpoints, [...]string{"first", "full", "partial"}[r.phase], r.changed)
}

// heldOut are the sizes that [DefaultMachine] was not fitted on.
var heldOut = map[[2]int]bool{{200, 2}: true, {3000, 1}: true, {7000, 1}: true, {3000, 10}: true, {1500, 5}: true, {300, 10}: true, {4500, 2}: true, {2000, 1}: true}

// realSyncs reads testdata/syncs.csv.
func realSyncs(t testing.TB) []*realSync {
	t.Helper()
	f, err := os.Open("testdata/syncs.csv")
	require.NoError(t, err)
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	repeated := map[string][]*realSync{}
	for _, r := range records[1:] {
		number := func(i int) float64 {
			v, err := strconv.ParseFloat(r[i], 64)
			require.NoError(t, err)
			return v
		}
		s := &realSync{mode: r[0], services: int(number(1)), endpoints: int(number(2)), wall: number(5), self: number(6), user: number(7), kernel: number(8)}
		if s.phase = map[string]phase{"first": first, "full": full, "partial": partial}[r[3]]; r[3] == "listing" {
			s.mode = r[3]
		}
		if s.phase == partial {
			s.changed = number(4)
		}
		repeated[s.String()] = append(repeated[s.String()], s)
	}
	var out []*realSync
	for _, group := range repeated {
		m := *group[0]
		for _, f := range []func(*realSync) *float64{
			func(s *realSync) *float64 { return &s.wall }, func(s *realSync) *float64 { return &s.self },
			func(s *realSync) *float64 { return &s.user }, func(s *realSync) *float64 { return &s.kernel },
		} {
			var v []float64
			for _, s := range group {
				v = append(v, *f(s))
			}
			slices.Sort(v)
			*f(&m) = v[len(v)/2]
		}
		out = append(out, &m)
	}
	size := func(s *realSync) int { return s.services*s.endpoints*100 + s.endpoints }
	slices.SortFunc(out, func(a, b *realSync) int {
		return cmp.Or(cmp.Compare(a.mode, b.mode), cmp.Compare(size(a), size(b)), cmp.Compare(a.phase, b.phase), cmp.Compare(a.changed, b.changed))
	})
	for _, s := range out {
		s.held = heldOut[[2]int{s.services, s.endpoints}]
	}
	return out
}

// fitted is a cost of which the process is one more term.
func fitted(rows []*realSync, exec func(*realSync) float64, units func(*realSync) []float64, got func(*realSync) float64, prior []float64) (float64, []float64) {
	var fr []fitRow
	for _, r := range rows {
		if !r.held {
			fr = append(fr, fitRow{units: append([]float64{exec(r)}, units(r)...), nanos: got(r) * 1e9, weight: 1 / (r.cpu() * 1e9)})
		}
	}
	z := fit(fr, append([]float64{1e6}, prior...), 0)
	return z[0], z[1:]
}

// used is 1 for the terms that DefaultMachine uses: others have no units.
func used(c costs) []float64 {
	out := make([]float64, len(c))
	for i, p := range c {
		if *p > 0 {
			out[i] = 1
		}
	}
	return out
}

// fitMachine refits [DefaultMachine] from the rows that are not held out.
func fitMachine(rows []*realSync) Machine {
	m := DefaultMachine()
	of := func(mode string) (out []*realSync) {
		for _, r := range rows {
			if r.mode == mode {
				out = append(out, r)
			}
		}
		return out
	}
	for mode, c := range map[string]*IPTablesCost{"legacy": &m.Legacy, "nft": &m.IPTablesNFT} {
		x := Legacy
		if mode == "nft" {
			x = NFT
		}
		work := func(r *realSync) ipWork { return iptablesWork(r.shape(), r.phase, r.changed) }
		execs := func(r *realSync) float64 { return work(r).execs }
		refit(of(mode), &c.Exec, c.user(), c.kernel(), &c.Proxy, execs, proxyUnits, func(*realSync) float64 { return 0 },
			func(r *realSync) []float64 { w := work(r); u := w.user(x); return u[:] },
			func(r *realSync) []float64 { w := work(r); k := w.kernel(x); return k[:] })
	}
	c := &m.NFTables
	work := func(r *realSync) nftWork { return nftablesWork(r.shape(), r.phase, r.changed) }
	refit(of("nftables"), &c.Exec, c.user(), c.kernel(), &c.Proxy, func(r *realSync) float64 { return work(r).execs }, nftablesProxyUnits, c.asked,
		func(r *realSync) []float64 { w := work(r); u := w.user(); return u[:] },
		func(r *realSync) []float64 { w := work(r); k := w.kernel(); return k[:] })
	return m
}

func refit(rows []*realSync, exec *Nanos, user, kernel costs, proxy *ProxyCost, execs func(*realSync) float64, proxyUnits func(*Shape, phase, float64) [13]float64, asked func(*realSync) float64, userUnits, kernelUnits func(*realSync) []float64) {
	eu, u := fitted(rows, execs, userUnits, func(r *realSync) float64 { return r.user }, used(user))
	ek, k := fitted(rows, execs, kernelUnits, func(r *realSync) float64 { return r.kernel }, used(kernel))
	es, p := fitted(rows, execs, func(r *realSync) []float64 { u := proxyUnits(r.shape(), r.phase, r.changed); return u[:] },
		func(r *realSync) float64 { return max(0, r.self-asked(r)) }, used(proxy.terms()))
	*exec = Nanos(eu + ek + es)
	user.set(u)
	kernel.set(k)
	proxy.terms().set(p)
}

// asked is the seconds that the kernel lists chains and sets in a sync, which
// calibrations measured, not these rows.
func (c *NFTablesCost) asked(r *realSync) float64 { return c.Ask.listing(r.shape(), r.phase) / 1e9 }

func predictReal(m Machine, r *realSync) Sync {
	mode := IPTables
	switch r.mode {
	case "nft":
		m.XTables = NFT
	case "nftables":
		mode = NFTables
	}
	return backendOf(mode, V1_37, &m, r.shape()).sync(r.phase, r.changed)
}

// errorsOf is the sorted relative errors of CPU time.
func errorsOf(m Machine, rows []*realSync, held bool) (errs []float64) {
	for _, r := range rows {
		if r.held == held {
			errs = append(errs, math.Abs(predictReal(m, r).CPU().Seconds()/r.cpu()-1))
		}
	}
	slices.Sort(errs)
	return errs
}

// The numbers of DefaultMachine are those that the fit finds, and err on the
// sizes held out as its comment says.
func TestDefaultMachineIsFitted(t *testing.T) {
	rows := realSyncs(t)
	m, want := DefaultMachine(), fitMachine(rows)
	for _, c := range []struct {
		name      string
		got, want costs
	}{
		{"Legacy", append(append(m.Legacy.user(), m.Legacy.kernel()...), append(m.Legacy.Proxy.terms(), &m.Legacy.Exec)...),
			append(append(want.Legacy.user(), want.Legacy.kernel()...), append(want.Legacy.Proxy.terms(), &want.Legacy.Exec)...)},
		{"IPTablesNFT", append(append(m.IPTablesNFT.user(), m.IPTablesNFT.kernel()...), append(m.IPTablesNFT.Proxy.terms(), &m.IPTablesNFT.Exec)...),
			append(append(want.IPTablesNFT.user(), want.IPTablesNFT.kernel()...), append(want.IPTablesNFT.Proxy.terms(), &want.IPTablesNFT.Exec)...)},
		{"NFTables", append(append(m.NFTables.user(), m.NFTables.kernel()...), append(m.NFTables.Proxy.terms(), &m.NFTables.Exec)...),
			append(append(want.NFTables.user(), want.NFTables.kernel()...), append(want.NFTables.Proxy.terms(), &want.NFTables.Exec)...)},
	} {
		for i := range c.got {
			assert.InDeltaf(t, float64(*c.want[i]), float64(*c.got[i]), 0.5+0.01*float64(*c.want[i]), "%s, coefficient %d", c.name, i)
		}
	}
	for mode, budget := range map[string][2]float64{"legacy": {0.08, 0.32}, "nft": {0.09, 0.32}, "nftables": {0.14, 0.55}} {
		var of []*realSync
		for _, r := range rows {
			if r.mode == mode {
				of = append(of, r)
			}
		}
		held := errorsOf(m, of, true)
		median, worst := held[len(held)/2], held[len(held)-1]
		t.Logf("%s: %d held out, median error %.0f %%, worst %.0f %%", mode, len(held), 100*median, 100*worst)
		assert.LessOrEqual(t, median, budget[0], mode)
		assert.LessOrEqual(t, worst, budget[1], mode)
	}
}
