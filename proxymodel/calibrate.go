package proxymodel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Calibrate measures this machine, in less than ten seconds. It times the real
// iptables-restore, of both implementations, and nft on rules as kube-proxy
// writes them, tables of some hundred to some thousand services; the kernel's
// and iptables' walks of lists as long as those of larger ones; how long a
// packet takes past a rule; and how fast kube-proxy's own kind of work goes.
//
// Rules are written to network namespaces made for that, never to the host's
// tables: with root to plain ones, otherwise to those of a user namespace,
// where the kernel lets an ordinary user have one. They end with the processes
// in them, and those end when Calibrate returns, also when ctx is cancelled.
// What can't be measured keeps [DefaultMachine]'s proportions, scaled by what
// was, and Machine.Warnings says so, each wrapping [ErrUnmeasured].
//
// The error is that of ctx, if it ends.
func Calibrate(ctx context.Context) (Machine, error) {
	if err := ctx.Err(); err != nil {
		return Machine{}, fmt.Errorf("proxymodel: Calibrate: %w", err)
	}
	m := DefaultMachine()
	m.Cores = runtime.NumCPU()
	m.Source = fmt.Sprintf("calibrated on %s/%s, %d cores", runtime.GOOS, runtime.GOARCH, m.Cores)
	limited, cancel := context.WithTimeout(ctx, calibrationLimit)
	defer cancel()
	p := newPace()
	p.take(12)
	begun := p.ratio()
	scale(begun, m.parts()...)
	kernelSpace(limited, &m, p)
	scale(p.ratio()/begun, m.proxies()...) // by now there are more samples, of all that time
	m.Warnings = append(m.Warnings, unmeasured("what IPVS itself does for a netlink call of ipvs mode", errNoMethod))
	if err := ctx.Err(); err != nil {
		return Machine{}, fmt.Errorf("proxymodel: Calibrate: %w", err)
	}
	if err := limited.Err(); err != nil {
		m.Warnings = append(m.Warnings, unmeasured("the larger tables", errTooSlow))
	}
	return m, nil
}

// calibrationLimit ends a calibration on a machine so slow that it would take
// longer; sizes not reached by then are left out. The kernel ends what it is
// doing first: some tenths of a second.
const calibrationLimit = 9200 * time.Millisecond

var (
	errNoMethod = errors.New("there is no method yet")
	errTooSlow  = errors.New("this machine is too slow for the larger tables")
)

func unmeasured(what string, why error) error {
	return fmt.Errorf("proxymodel: %s: %w: %w", what, ErrUnmeasured, why)
}

// scale makes costs that many times as large.
func scale(ratio float64, parts ...costs) {
	for _, part := range parts {
		for _, c := range part {
			*c *= Nanos(ratio)
		}
	}
}

// proxies are kube-proxy's own costs, which only [pace] tells: a sync is the
// same Go code everywhere.
func (m *Machine) proxies() []costs {
	return []costs{m.Legacy.Proxy.terms(), m.IPTablesNFT.Proxy.terms(), m.NFTables.Proxy.terms(), m.IPVS.Proxy.terms()}
}

// parts are all costs that a processor's speed decides. Those of the tools are
// scaled for want of better until they are measured.
func (m *Machine) parts() []costs {
	l, x, n, v := &m.Legacy, &m.IPTablesNFT, &m.NFTables, &m.IPVS
	return append(m.proxies(), l.user(), l.kernel(), costs{&l.Exec}, x.user(), x.kernel(), costs{&x.Exec},
		n.user(), n.kernel(), n.Ask.terms(), costs{&n.Exec}, costs{&v.Exec, &v.Call, &v.Entry})
}

// trial is a table to measure with.
type trial struct{ services, endpoints int }

// trials are what each tool is measured on: few, many, and many endpoints per
// service. Each mode gets its own, since they cost so differently. What grows
// faster than the table is measured apart: see [visitRun] and [calibration.names].
var (
	legacyTrials   = []trial{{100, 1}, {1500, 1}, {400, 10}, {3000, 4}}
	nftTrials      = []trial{{100, 1}, {250, 10}, {900, 1}}
	nftablesTrials = []trial{{100, 1}, {4000, 1}, {250, 10}, {900, 2}}
)

// usage is what a process used.
type usage struct{ user, kernel, wall time.Duration }

func (u usage) cpu() time.Duration { return u.user + u.kernel }

// bench collects the measurements of one tool.
type bench struct {
	exec    []usage // processes on an empty table
	rows    []fitRow
	wait    []time.Duration
	packets []packetTime
}

// packetTime is what a table of so many rules adds to the median first packet.
type packetTime struct {
	rules int
	miss  time.Duration // to an address that is no service
	hit   time.Duration // to the first service
}

// add is one run of the tool, less the cost of the process itself.
func (b *bench) add(u usage, userUnits, kernelUnits []float64) {
	units := append(userUnits[:len(userUnits):len(userUnits)], kernelUnits...)
	b.rows = append(b.rows, fitRow{units: units, nanos: float64(max(0, u.cpu()-b.empty().cpu()))})
}

// empty is the mean process on an empty table.
func (b *bench) empty() usage {
	var sum usage
	for _, u := range b.exec {
		sum.user += u.user
		sum.kernel += u.kernel
	}
	n := time.Duration(max(len(b.exec), 1))
	return usage{user: sum.user / n, kernel: sum.kernel / n}
}

// priorPull is how strongly a calibrated cost is drawn to the scaled prior, in
// units of one measurement: enough to keep costs that few runs tell apart from
// wandering, too little to move those that they do by more than their noise.
const priorPull = 0.02

// into fits the measurements, user space and kernel together: the clock that
// tells one from the other is too coarse for one run, and their sum is exact.
// What both do for the same unit keeps the prior's proportion. ratio is the
// machine's user space over the reference's.
func (b *bench) into(exec *Nanos, user, kernel costs, ratio float64) {
	*exec = Nanos(float64(b.empty().cpu()) + forkCost*ratio)
	b.fit(append(user[:len(user):len(user)], kernel...), 1e6)
}

// fit weighs each measurement by what is expected of it: by what was measured,
// a slow run would count less. What takes less than the floor, in nanoseconds,
// is met only within a share of that: next to it there is the noise of a process.
func (b *bench) fit(c costs, floor float64) {
	for i := range b.rows {
		b.rows[i].weight = 1 / max(c.of(b.rows[i].units), floor)
	}
	c.set(fit(b.rows, c.values(), priorPull))
}

// forkCost is a process's cost to kube-proxy, which starts it and reads what
// it writes: the mean of the three modes' fits.
const forkCost = 0.32e6 // ns
