package proxymodel

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/redline-go/redline/proxymodel/internal/work"
)

// Query asks what kube-proxy costs one node.
type Query struct {
	Mode    Mode
	Version Version // zero means the newest of [Modelled]
	Machine Machine // the zero Machine means [DefaultMachine]
	Shape   Shape   // the zero Shape is a cluster without services
	Churn   Churn   // the zero Churn changes nothing
}

// Predict returns what a kube-proxy costs a node: its syncs, how often they come and how stale
// they leave the node. It adds kube-proxy's share of the processors, the first packet of a
// connection, memory, and the updates that the API server sends.
//
//	p, err := proxymodel.Predict(proxymodel.Query{
//		Mode:  proxymodel.NFTables,
//		Shape: proxymodel.Uniform(4500, 2),
//		Churn: proxymodel.Churn{Changes: 10, Nodes: 100},
//	})
//
// It returns an error for invalid input. A shape beyond the measured ones gets a warning that
// wraps [ErrExtrapolated].
func Predict(q Query) (Prediction, error) {
	if err := q.resolve(); err != nil {
		return Prediction{}, err
	}
	if err := q.Churn.check(); err != nil {
		return Prediction{}, err
	}
	return q.predict(), nil
}

// predict answers a resolved query.
func (q *Query) predict() Prediction {
	c := q.Churn.withDefaults(q.Mode)
	b := backendOf(q.Mode, q.Version, &q.Machine, &q.Shape)
	var p Prediction
	p.First, p.Full = b.sync(work.First, 0), b.sync(work.Full, 0)
	p.settle(&b, q.Version, c)
	p.CPUShare = p.share(&b, q.Version, c)
	p.FirstPacket = b.packet()
	p.Memory = b.memory()
	p.FanOut = c.Changes * float64(c.Nodes) * float64(watchEvent(q.Shape.sliceBytes()))
	p.Warnings = warnings(q.Mode, q.Version, &q.Machine, &q.Shape)
	return p
}

// PartialSync returns the cost of one sync in which changed services differ. [Predict] gives it for
// as many as come under its churn. PartialSync does not read q.Churn.
func PartialSync(q Query, changed int) (Sync, error) {
	if changed < 0 || changed > q.Shape.Ports {
		return Sync{}, fmt.Errorf("proxymodel: PartialSync: changed is %d, want 0 to the shape's %d ports",
			changed, q.Shape.Ports)
	}
	if err := q.resolve(); err != nil {
		return Sync{}, err
	}
	b := backendOf(q.Mode, q.Version, &q.Machine, &q.Shape)
	return b.sync(work.Partial, float64(changed)), nil
}

// resolve checks all but the churn, and replaces a zero Version and Machine by what they mean.
func (q *Query) resolve() (err error) {
	if err := q.Mode.check("Query.Mode"); err != nil {
		return err
	}
	if q.Version, err = q.Version.In("proxymodel: Query.Version", modelled); err != nil {
		return err
	}
	if q.Machine.Source == "" {
		if !q.Machine.isZero() {
			return errSource
		}
		q.Machine = DefaultMachine()
	}
	return q.Shape.check()
}

// errSource keeps a Machine whose author forgot the source from being taken for the zero Machine.
var errSource = errors.New(`proxymodel: Machine.Source is "", want where its numbers come from`)

// settle finds the sync that follows itself: the longer a sync takes, the more changes wait for
// the next. The cost is linear in them, so a few rounds of substitution are enough. A sync cannot
// hold more services than there are.
func (p *Prediction) settle(b *backend, v Version, c Churn) {
	n := float64(max(b.shape.Ports, 1))
	s0, s1 := b.sync(work.Partial, 0), b.sync(work.Partial, 1)
	slope := float64(s1.Duration() - s0.Duration())
	k, d := 0.0, float64(s0.Duration())
	for range 50 {
		before := k
		k = n * -math.Expm1(-c.Changes*runnerPeriod(v, seconds(d), c)/n)
		if k > 0 {
			k = max(k, 1)
		}
		d = float64(s0.Duration()) + slope*k
		if math.Abs(k-before) <= 1e-3*k {
			break
		}
	}
	p.Changed = min(k, n)
	p.Partial = b.sync(work.Partial, p.Changed)
	p.Period = duration(runnerPeriod(v, p.Partial.Duration().Seconds(), c))
	p.Staleness = staleness(v, p.Partial.Duration(), c)
}

// share returns the mean processor use: syncs at their period, forced full ones, and kube-proxy's
// own full sync once an hour. In large clusters the clean-up is added.
func (p *Prediction) share(b *backend, v Version, c Churn) float64 {
	perSecond := 0.0
	if c.Changes > 0 {
		perSecond = p.Partial.CPU().Seconds() / p.Period.Seconds()
	}
	idle := 1 / time.Hour.Seconds()
	if b.noPart {
		idle = 1 / c.SyncPeriod.Seconds()
	}
	large := b.mode == IPTables && b.shape.large()
	if hourly := b.noPart || v != V1_29 && !large; hourly && c.Changes*p.Period.Seconds() < 1 {
		perSecond += idle * p.Full.CPU().Seconds()
	}
	perSecond += c.Fulls * p.Full.CPU().Seconds()
	if large && c.Changes > 0 {
		perSecond += b.cleanup().CPU().Seconds() / max(c.SyncPeriod.Seconds(), p.Period.Seconds())
	}
	return min(1, perSecond/float64(b.machine.cores()))
}

// ErrExtrapolated is wrapped by the warnings of a prediction that leaves the range in which its
// coefficients were measured.
var ErrExtrapolated = errors.New("outside the measured range")

// ErrUnmeasured is wrapped by the warnings of a prediction that stands on assumed coefficients.
var ErrUnmeasured = errors.New("not measured")

// The range of the measurements behind the coefficients.
const (
	measuredPorts     = 20_000
	measuredEndpoints = 100_000
)

var (
	errLarge = fmt.Errorf("proxymodel: Shape has more than %d ports or %d endpoints: %w",
		measuredPorts, measuredEndpoints, ErrExtrapolated)
	errIPVS = fmt.Errorf("proxymodel: the netlink calls of ipvs mode are assumed from their number: %w",
		ErrUnmeasured)
	errAlpha = fmt.Errorf("proxymodel: nftables mode is alpha in v1.29 and other rules than v1.37's, "+
		"whose cost is given: %w", ErrUnmeasured)

	warnSets = [8][]error{
		1: {errLarge}, 2: {errIPVS}, 3: {errLarge, errIPVS}, 4: {errAlpha}, 5: {errLarge, errAlpha},
	}
)

// warnings returns a shared slice, or the machine's own warnings followed by it.
func warnings(m Mode, v Version, machine *Machine, s *Shape) []error {
	i := 0
	if s.Ports > measuredPorts || s.Endpoints > measuredEndpoints {
		i = 1
	}
	switch {
	case m == IPVS:
		i += 2
	case m == NFTables && v == V1_29:
		i += 4
	}
	if len(machine.Warnings) == 0 {
		return warnSets[i][:len(warnSets[i]):len(warnSets[i])]
	}
	return append(machine.Warnings[:len(machine.Warnings):len(machine.Warnings)], warnSets[i]...)
}

func nanos(x float64) time.Duration    { return time.Duration(math.Round(min(x, math.MaxInt64/4))) }
func seconds(ns float64) float64       { return ns / 1e9 }
func duration(s float64) time.Duration { return nanos(s * 1e9) }
