// Package measure measures what kube-proxy's syncs cost on this machine: a [proxymodel.Machine].
//
//	machine, err := measure.Calibrate(ctx)
//	p, err := proxymodel.Predict(proxymodel.Query{Machine: machine, Shape: shape})
//
// It starts iptables, nft and ipset and talks to the kernel over netlink. A planner that only
// predicts imports proxymodel alone.
package measure

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/redline-go/redline/proxymodel"
)

// Calibrate measures this machine, in less than ten seconds. It times the real iptables-restore,
// of both implementations, and nft, on rules as kube-proxy writes them for some hundred to some
// thousand services. It times walks of lists as long as those of larger tables, by the kernel and
// by iptables. It times a packet's way past a rule, and kube-proxy's own kind of work.
//
// It writes rules to network namespaces made for that, never to the host's tables. With root these
// are plain ones, otherwise those of a user namespace, where the kernel lets an ordinary user have
// one. They end with the processes in them, and those end when Calibrate returns, also when ctx is
// cancelled.
//
// A cost that cannot be measured keeps [proxymodel.DefaultMachine]'s proportions, scaled by those
// that were. Machine.Warnings says so, each wrapping [proxymodel.ErrUnmeasured]. The error is that
// of ctx, if it ends.
func Calibrate(ctx context.Context) (proxymodel.Machine, error) {
	if err := ctx.Err(); err != nil {
		return proxymodel.Machine{}, fmt.Errorf("measure: Calibrate: %w", err)
	}
	m := proxymodel.DefaultMachine()
	m.Cores = runtime.NumCPU()
	m.Source = fmt.Sprintf("calibrated on %s/%s, %d cores", runtime.GOOS, runtime.GOARCH, m.Cores)
	limited, cancel := context.WithTimeout(ctx, calibrationLimit)
	defer cancel()
	p := newPace()
	p.take(12)
	begun := p.ratio()
	scale(begun, allTerms(&m)...)
	kernelSpace(limited, &m, p)
	scale(p.ratio()/begun, allProxyTerms(&m)...) // by now there are more samples, of all that time
	m.Warnings = append(m.Warnings, unmeasured("what IPVS itself does for a netlink call of ipvs mode", errNoMethod))
	if err := ctx.Err(); err != nil {
		return proxymodel.Machine{}, fmt.Errorf("measure: Calibrate: %w", err)
	}
	if err := limited.Err(); err != nil {
		m.Warnings = append(m.Warnings, unmeasured("the larger tables", errTooSlow))
	}
	return m, nil
}

// calibrationLimit ends a calibration on a machine so slow that it would take longer. Sizes not
// reached by then are left out. The kernel ends what it is doing first: some tenths of a second.
const calibrationLimit = 9200 * time.Millisecond

var (
	errNoMethod = errors.New("there is no method yet")
	errTooSlow  = errors.New("this machine is too slow for the larger tables")
)

func unmeasured(what string, why error) error {
	return fmt.Errorf("measure: %s: %w: %w", what, proxymodel.ErrUnmeasured, why)
}
