package measure

import (
	"errors"
	"slices"
	"time"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// trial is a table to measure with.
type trial struct{ services, endpoints int }

// Each tool is measured on few services, on many, and on many endpoints per service. Each mode has
// trials of its own, since they cost so differently. What grows faster than the table is measured
// apart: see [visitRun] and [calibration.names].
var (
	legacyTrials = []trial{
		{services: 100, endpoints: 1}, {services: 1500, endpoints: 1},
		{services: 400, endpoints: 10}, {services: 3000, endpoints: 4},
	}
	nftTrials = []trial{
		{services: 100, endpoints: 1}, {services: 250, endpoints: 10}, {services: 900, endpoints: 1},
	}
	nftablesTrials = []trial{
		{services: 100, endpoints: 1}, {services: 4000, endpoints: 1},
		{services: 250, endpoints: 10}, {services: 900, endpoints: 2},
	}
)

// usage holds what a process used.
type usage struct{ user, kernel, wall time.Duration }

func (u usage) cpu() time.Duration { return u.user + u.kernel }

// less returns what is left of u without o, at least nothing.
func (u usage) less(o usage) usage {
	return usage{user: max(0, u.user-o.user), kernel: max(0, u.kernel-o.kernel), wall: max(0, u.wall-o.wall)}
}

// bench collects the measurements of one tool.
type bench struct {
	exec    []usage // processes on an empty table
	rows    []work.Row
	wait    []time.Duration
	packets []packetTime
}

// packetTime holds what a table of so many rules adds to the median first packet.
type packetTime struct {
	rules int
	miss  time.Duration // to an address that is no service
	hit   time.Duration // to the first service
}

// add records one run of the tool, less the cost of the process itself.
func (b *bench) add(u usage, units []float64) {
	b.rows = append(b.rows, work.Row{Units: units, Nanos: float64(max(0, u.cpu()-b.empty().cpu()))})
}

// empty returns the mean process on an empty table.
func (b *bench) empty() usage {
	var sum usage
	for _, u := range b.exec {
		sum.user += u.user
		sum.kernel += u.kernel
	}
	n := time.Duration(max(len(b.exec), 1))
	return usage{user: sum.user / n, kernel: sum.kernel / n}
}

// priorPull draws a calibrated cost to the scaled prior, in units of one measurement. It keeps
// costs that few runs tell apart from wandering. It does not move those that they tell apart by
// more than their noise.
const priorPull = 0.02

// into fits the measurements, user space and kernel together. The clock that tells one from the
// other is too coarse for one run, and their sum is exact. What both do for the same unit keeps the
// prior's proportion. ratio is this machine's user space over the reference's.
func (b *bench) into(exec *proxymodel.Nanos, terms costs, ratio float64) {
	*exec = proxymodel.Nanos(float64(b.empty().cpu()) + forkCost*ratio)
	b.fit(terms, 1e6)
}

// fit weighs each measurement by what is expected of it: by what was measured, a slow run would
// count less. Times below the floor, in nanoseconds, are met only within a share of it: next to it
// there is the noise of a process.
func (b *bench) fit(c costs, floor float64) {
	for i := range b.rows {
		b.rows[i].Weight = 1 / max(c.of(b.rows[i].Units), floor)
	}
	c.set(work.Fit(b.rows, c.values(), priorPull))
}

// forkCost is the cost, to kube-proxy, of a process that it starts and whose output it reads. It is
// the mean of the three modes' fits.
const forkCost = 0.32e6 // ns

// meanWait returns the least that a commit waited beyond what it computed: more is the machine
// being busy.
func (b *bench) meanWait(unknown proxymodel.Nanos) proxymodel.Nanos {
	if len(b.wait) == 0 || unknown == 0 { // ip_tables does not wait
		return unknown
	}
	slices.Sort(b.wait)
	return proxymodel.Nanos(max(0, b.wait[0]))
}

// lastPacket returns that of the last table.
func (b *bench) lastPacket() packetTime {
	if len(b.packets) == 0 {
		return packetTime{}
	}
	return b.packets[len(b.packets)-1]
}

// walk returns the line through the first packets. The cost of a rule is from the smallest and the
// largest table, and hit is the fixed cost of a translated packet. It is not ok if the machine was
// too busy to tell.
func (b *bench) walk() (hit, walk proxymodel.Nanos, ok bool) {
	if len(b.packets) < 2 {
		return 0, 0, false
	}
	byRules := func(x, y packetTime) int { return x.rules - y.rules }
	small, large := slices.MinFunc(b.packets, byRules), slices.MaxFunc(b.packets, byRules)
	walk = proxymodel.Nanos(large.miss-small.miss) / proxymodel.Nanos(max(1, large.rules-small.rules))
	return proxymodel.Nanos(small.hit), walk, walk > 0 && small.hit > 0
}

var (
	// errOutside explains why an ordinary user's calibration lacks what this process must do
	// itself in the namespace.
	errOutside = errors.New("without root no thread of this process can enter the namespace")
	errTooBusy = errors.New("this machine was too busy to tell")
)

// noPackets explains why first packets tell nothing.
func (b *bench) noPackets() error {
	if len(b.packets) == 0 {
		return errOutside
	}
	return errTooBusy
}

// medianUsage returns the run of median processor time.
func medianUsage(u []usage) usage {
	slices.SortFunc(u, func(a, b usage) int { return int(a.cpu() - b.cpu()) })
	return u[len(u)/2]
}

// medianTime returns the median.
func medianTime(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
