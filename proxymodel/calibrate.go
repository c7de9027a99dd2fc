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
// writes them, tables of some hundred to some thousand services; how long a
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
	m := DefaultMachine()
	m.Cores = runtime.NumCPU()
	m.Source = fmt.Sprintf("calibrated on %s/%s, %d cores", runtime.GOOS, runtime.GOARCH, m.Cores)
	limited, cancel := context.WithTimeout(ctx, calibrationLimit)
	defer cancel()
	userSpace(&m)
	kernelSpace(limited, &m)
	m.Warnings = append(m.Warnings, unmeasured("the netlink calls of ipvs mode", errNoMethod))
	if err := ctx.Err(); err != nil {
		return Machine{}, fmt.Errorf("proxymodel: Calibrate: %w", err)
	}
	if err := limited.Err(); err != nil {
		m.Warnings = append(m.Warnings, unmeasured("the larger tables", errTooSlow))
	}
	return m, nil
}

// calibrationLimit ends a calibration on a machine so slow that it would take
// longer; sizes not reached by then are left out.
const calibrationLimit = 9500 * time.Millisecond

var (
	errNoMethod = errors.New("there is no method yet")
	errTooSlow  = errors.New("this machine is too slow for the larger tables")
)

func unmeasured(what string, why error) error {
	return fmt.Errorf("proxymodel: %s: %w: %w", what, ErrUnmeasured, why)
}

// referenceWork is the processor time of [proxyWork] on the machine of
// [DefaultMachine].
const referenceWork = 4.3e6 // ns

// userSpace scales kube-proxy's own work by how fast this machine does the
// like: a sync is the same Go code everywhere.
func userSpace(m *Machine) {
	best := proxyWork()
	for range 29 {
		best = min(best, proxyWork())
	}
	ratio := Nanos(best.Seconds() * 1e9 / referenceWork)
	for _, p := range []*ProxyCost{&m.Legacy.Proxy, &m.IPTablesNFT.Proxy, &m.NFTables.Proxy, &m.IPVS.Proxy} {
		for _, c := range p.terms() {
			*c *= ratio
		}
	}
}

// proxyWork times a sample of what kube-proxy does in a sync: it walks maps
// keyed by names, hashes them and writes rules.
func proxyWork() time.Duration {
	const services = 1000
	names := make(map[string]int, services)
	s := script{services: services, endpoints: 2}
	return threadTime(func() {
		s.each(func(i int) { names[s.name(i)] = i })
		s.iptables(true)
		for name := range names {
			delete(names, name)
		}
	})
}

// trial is a table to measure with.
type trial struct{ services, endpoints int }

// trials are what each tool is measured on: few, many, and many endpoints per
// service; the last is large enough for the terms that grow faster than the
// table. Each mode gets its own, since they cost so differently.
var (
	legacyTrials   = []trial{{100, 1}, {1500, 1}, {400, 10}, {3500, 4}}
	nftTrials      = []trial{{100, 1}, {1200, 1}, {250, 10}, {2200, 2}}
	nftablesTrials = []trial{{100, 1}, {2500, 1}, {250, 10}, {1400, 2}}
)

// usage is what a process used.
type usage struct{ user, kernel, wall time.Duration }

func (u usage) cpu() time.Duration { return u.user + u.kernel }

// bench collects the measurements of one tool.
type bench struct {
	exec         []usage // processes on an empty table
	user, kernel []fitRow
	wait         []time.Duration
	packets      []packetTime
}

// packetTime is the median first packet to an address that is no service, past
// a table of so many rules.
type packetTime struct {
	rules int
	miss  time.Duration
	hit   time.Duration // to the first service, less that
}

// add is one run of the tool, less the cost of the process itself.
func (b *bench) add(u usage, userUnits, kernelUnits []float64) {
	empty := b.empty()
	w := 1 / float64(max(u.cpu(), time.Microsecond))
	b.user = append(b.user, fitRow{userUnits, float64(max(0, u.user-empty.user)), w})
	b.kernel = append(b.kernel, fitRow{kernelUnits, float64(max(0, u.kernel-empty.kernel)), w})
}

// empty is the mean process on an empty table: single ones are shorter than
// the clock that splits user from kernel time.
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
// units of one measurement: a tenth keeps costs that few runs tell apart from
// wandering, and moves those that they do by less than their noise.
const priorPull = 0.02

// into fits the measurements.
func (b *bench) into(exec *Nanos, user, kernel costs) {
	*exec = Nanos(float64(b.empty().cpu()) * parentShare)
	user.set(fit(b.user, user.values(), priorPull))
	kernel.set(fit(b.kernel, kernel.values(), priorPull))
}

// parentShare is a process's cost to kube-proxy and itself together, over its
// own: forking is the parent's. Measured: 1.74 ms against 1.3 ms.
const parentShare = 1.3
