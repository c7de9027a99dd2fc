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

	"github.com/redline-go/redline/proxymodel/internal/work"
)

// realSync is a sync of a real proxier, measured by validation/proxycost: the median of its
// repetitions. All times are in seconds. user and kernel are of kube-proxy's children, self is its
// own.
type realSync struct {
	mode                string
	services, endpoints int
	phase               work.Phase
	changed             float64
	wall                float64
	self, user, kernel  float64
	held                bool // not fitted
}

func (r *realSync) cpu() float64  { return r.self + r.user + r.kernel }
func (r *realSync) shape() *Shape { s := Uniform(r.services, r.endpoints); return &s }
func (r *realSync) size() *work.Size {
	s := r.shape().size()
	return &s
}
func (r *realSync) String() string {
	return fmt.Sprintf("%s %dx%d %s %v", r.mode, r.services, r.endpoints,
		[...]string{"first", "full", "partial"}[r.phase], r.changed)
}

// heldOut are the sizes that [DefaultMachine] was not fitted on.
var heldOut = map[[2]int]bool{
	{200, 2}: true, {3000, 1}: true, {7000, 1}: true, {3000, 10}: true,
	{1500, 5}: true, {300, 10}: true, {4500, 2}: true, {2000, 1}: true,
}

// readTable returns the records of a CSV file, and a function that finds a column by its name.
func readTable(t testing.TB, path string) (records [][]string, column func(string) int) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	records, err = csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	head := records[0]
	return records[1:], func(name string) int {
		i := slices.Index(head, name)
		require.NotEqual(t, -1, i, "%s has no column %s", path, name)
		return i
	}
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

// realSyncs reads testdata/syncs.csv.
func realSyncs(t testing.TB) []*realSync {
	t.Helper()
	records, column := readTable(t, "testdata/syncs.csv")
	phases := map[string]work.Phase{"first": work.First, "full": work.Full, "partial": work.Partial}
	repeated := map[string][]*realSync{}
	for _, r := range records {
		of := func(name string) float64 { return number(t, r[column(name)]) }
		s := &realSync{mode: r[column("mode")], services: int(of("services")), endpoints: int(of("endpoints")),
			wall: of("wall"), self: of("self"), user: of("user"), kernel: of("kernel")}
		phase := r[column("phase")]
		if s.phase = phases[phase]; phase == "listing" {
			s.mode = phase
		}
		if s.phase == work.Partial {
			s.changed = of("changed")
		}
		repeated[s.String()] = append(repeated[s.String()], s)
	}
	var out []*realSync
	for _, group := range repeated {
		out = append(out, medianSync(group))
	}
	size := func(s *realSync) int { return s.services*s.endpoints*100 + s.endpoints }
	slices.SortFunc(out, func(a, b *realSync) int {
		return cmp.Or(cmp.Compare(a.mode, b.mode), cmp.Compare(size(a), size(b)),
			cmp.Compare(a.phase, b.phase), cmp.Compare(a.changed, b.changed))
	})
	return out
}

// medianSync returns the median of each time.
func medianSync(group []*realSync) *realSync {
	m := *group[0]
	m.held = heldOut[[2]int{m.services, m.endpoints}]
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
	return &m
}

// tool is a tool's costs and their units, to be fitted.
type tool struct {
	exec                   *Nanos
	user, kernel           costs
	proxy                  *ProxyCost
	execs, asked           func(*realSync) float64 // processes; seconds of listing, measured apart
	userUnits, kernelUnits func(*realSync) []float64
	proxyUnits             func(*work.Size, work.Phase, float64) [13]float64
}

// fit fits the costs to the rows that are not held out.
func (c *tool) fit(rows []*realSync) {
	own := func(r *realSync) []float64 { u := c.proxyUnits(r.size(), r.phase, r.changed); return u[:] }
	eu, u := c.fitted(rows, c.userUnits, func(r *realSync) float64 { return r.user }, used(c.user))
	ek, k := c.fitted(rows, c.kernelUnits, func(r *realSync) float64 { return r.kernel }, used(c.kernel))
	es, p := c.fitted(rows, own, func(r *realSync) float64 { return max(0, r.self-c.asked(r)) }, used(c.proxy.terms()))
	*c.exec = Nanos(eu + ek + es)
	set(c.user, u)
	set(c.kernel, k)
	set(c.proxy.terms(), p)
}

func set(c costs, v []float64) {
	for i, p := range c {
		*p = Nanos(v[i])
	}
}

// fitted fits costs of which the process is one more term.
func (c *tool) fitted(rows []*realSync, units func(*realSync) []float64, got func(*realSync) float64,
	prior []float64) (float64, []float64) {
	var fr []work.Row
	for _, r := range rows {
		if !r.held {
			fr = append(fr, work.Row{
				Units: append([]float64{c.execs(r)}, units(r)...), Nanos: got(r) * 1e9, Weight: 1 / (r.cpu() * 1e9),
			})
		}
	}
	z := work.Fit(fr, append([]float64{1e6}, prior...), 0)
	return z[0], z[1:]
}

// used returns 1 for the terms that DefaultMachine uses. Others have no units.
func used(c costs) []float64 {
	out := make([]float64, len(c))
	for i, p := range c {
		if *p > 0 {
			out[i] = 1
		}
	}
	return out
}

// ofMode returns the rows of a mode.
func ofMode(rows []*realSync, mode string) (out []*realSync) {
	for _, r := range rows {
		if r.mode == mode {
			out = append(out, r)
		}
	}
	return out
}

// fitMachine refits [DefaultMachine] from the rows that are not held out.
func fitMachine(rows []*realSync) Machine {
	m := DefaultMachine()
	for mode, c := range map[string]*IPTablesCost{"legacy": &m.Legacy, "nft": &m.IPTablesNFT} {
		units := func(r *realSync) work.IPTables { return work.IPTablesSync(r.size(), r.phase, r.changed) }
		(&tool{
			exec: &c.Exec, user: c.user(), kernel: c.kernel(), proxy: &c.Proxy, proxyUnits: work.Proxy,
			execs:       func(r *realSync) float64 { return units(r).Execs },
			asked:       func(*realSync) float64 { return 0 },
			userUnits:   func(r *realSync) []float64 { w := units(r); u := w.User(mode == "nft"); return u[:] },
			kernelUnits: func(r *realSync) []float64 { w := units(r); k := w.Kernel(mode == "nft"); return k[:] },
		}).fit(ofMode(rows, mode))
	}
	c := &m.NFTables
	units := func(r *realSync) work.NFTables { return work.NFTablesSync(r.size(), r.phase, r.changed) }
	(&tool{
		exec: &c.Exec, user: c.user(), kernel: c.kernel(), proxy: &c.Proxy, proxyUnits: work.NFTablesProxy,
		execs: func(r *realSync) float64 { return units(r).Execs },
		// Calibrations measured how long the kernel lists chains and sets, not these rows.
		asked:       func(r *realSync) float64 { return c.listing(r.size(), r.phase) / 1e9 },
		userUnits:   func(r *realSync) []float64 { w := units(r); u := w.User(); return u[:] },
		kernelUnits: func(r *realSync) []float64 { w := units(r); k := w.Kernel(); return k[:] },
	}).fit(ofMode(rows, "nftables"))
	return m
}

// predictReal predicts the sync that was measured.
func predictReal(m Machine, r *realSync) Sync {
	mode := IPTables
	switch r.mode {
	case "nft":
		m.XTables = NFT
	case "nftables":
		mode = NFTables
	}
	b := backendOf(mode, V1_37, &m, r.shape())
	return b.sync(r.phase, r.changed)
}

// errorsOf returns the sorted relative errors of CPU time.
func errorsOf(m Machine, rows []*realSync, held bool) (errs []float64) {
	for _, r := range rows {
		if r.held == held {
			errs = append(errs, math.Abs(predictReal(m, r).CPU().Seconds()/r.cpu()-1))
		}
	}
	slices.Sort(errs)
	return errs
}

// The numbers of DefaultMachine are those that the fit finds. They err on the sizes held out as its
// comment says.
func TestDefaultMachineIsFitted(t *testing.T) {
	rows := realSyncs(t)
	m, want := DefaultMachine(), fitMachine(rows)
	for name, of := range map[string]func(*Machine) costs{
		"Legacy":      func(m *Machine) costs { return m.Legacy.all() },
		"IPTablesNFT": func(m *Machine) costs { return m.IPTablesNFT.all() },
		"NFTables": func(m *Machine) costs {
			n := &m.NFTables
			return slices.Concat(n.user(), n.kernel(), n.Proxy.terms(), costs{&n.Exec})
		},
	} {
		got, want := of(&m), of(&want)
		for i := range got {
			tolerance := 0.5 + 0.01*float64(*want[i])
			assert.InDeltaf(t, float64(*want[i]), float64(*got[i]), tolerance, "%s, coefficient %d", name, i)
		}
	}
	budgets := map[string][2]float64{"legacy": {0.08, 0.32}, "nft": {0.09, 0.32}, "nftables": {0.14, 0.55}}
	for mode, budget := range budgets {
		held := errorsOf(m, ofMode(rows, mode), true)
		median, worst := held[len(held)/2], held[len(held)-1]
		t.Logf("%s: %d held out, median error %.0f %%, worst %.0f %%", mode, len(held), 100*median, 100*worst)
		assert.LessOrEqual(t, median, budget[0], mode)
		assert.LessOrEqual(t, worst, budget[1], mode)
	}
}

func (c *IPTablesCost) all() costs {
	return slices.Concat(c.user(), c.kernel(), c.Proxy.terms(), costs{&c.Exec})
}
