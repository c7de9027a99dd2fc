package etcd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
)

// balance is a load that takes away what it adds.
type balance struct {
	name   string
	churn  harness.Churn
	cycles int // compactions until the end
	steady int // of those, the ones before the steady state
	random bool
}

const balanceEvery = 1500 * time.Millisecond

// TestBalance creates and deletes at the same rate, and lets keys expire, for several compactions.
// It compares the bytes in use before each with the plateau that the model predicts from the State
// at the beginning. It does the same from the State in the middle of a cycle in the steady state.
func TestBalance(t *testing.T) {
	op := func(value int) etcdmodel.Op { return etcdmodel.Op{Key: key, Value: value} }
	cases := []balance{
		{"oldest deleted", harness.Churn{Op: op(1024), Live: 2000, Creates: 500, Deletes: 500}, 6, 2, false},
		{"any deleted", harness.Churn{Op: op(1024), Live: 2000, Creates: 500, Deletes: 500, Random: true}, 7, 4, true},
		{"all expire in 3 s", harness.Churn{Op: op(834), Creates: 500, TTL: 3 * time.Second, PerLease: 250}, 8, 5, false},
	}
	if long() {
		cases = append(cases,
			balance{"nothing lives", harness.Churn{Op: op(1024), Creates: 600, Deletes: 600}, 7, 2, false},
			balance{"drains", harness.Churn{Op: op(1024), Live: 3000, Creates: 100, Deletes: 500}, 9, 6, false},
			balance{"any deleted", harness.Churn{Op: op(256), Live: 4000, Creates: 800, Deletes: 800, Random: true}, 9, 5, true},
			balance{"any updated", harness.Churn{Op: op(1024), Live: 2000, Updates: 1000}, 12, 6, true},
			balance{"any updated", harness.Churn{Op: op(256), Live: 4000, Updates: 1500}, 12, 6, true},
			balance{"any updated", harness.Churn{Op: op(3000), Live: 1000, Updates: 500}, 10, 5, true},
		)
	}
	ctx := limited(t)
	rows := make([]balanced, len(cases))
	t.Run("cases", func(t *testing.T) {
		for i, b := range cases {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				if !long() {
					t.Parallel()
				}
				rows[i] = b.measure(ctx, t)
			})
		}
	})
	var table *comparison
	for i, b := range cases {
		r := rows[i]
		if r.version == "" {
			continue // its subtest has failed
		}
		if table == nil {
			table = compare("balance "+r.version, "load", "value B", "a second", "in use MB", "file MB", "plateau most MB",
				"from the middle: file MB")
		}
		inUse := pair{r.inUse, float64(r.model.DB.Plateau)}
		if b.churn.Live > 0 && b.churn.Deletes > b.churn.Creates {
			inUse.predicted = float64(r.drained)
		}
		file := pair{r.file, float64(r.model.DB.Plateau)}
		name := "in use"
		if b.random {
			name = "in use, random order"
		}
		table.add(name, inUse)
		table.row(b.name, fmt.Sprint(b.churn.Op.Value), figure(max(b.churn.Creates, b.churn.Updates)),
			versus(inUse.mega()), versus(file.mega()), figure(float64(r.model.DB.PlateauMost)/1e6),
			versus(pair{r.file, float64(r.middle.DB.Plateau)}.mega()))
		assert.LessOrEqual(t, r.file, 1.05*float64(r.model.DB.PlateauMost), "%s: the file beyond its bound", b.name)
		assert.InEpsilon(t, r.file, r.middle.DB.Plateau, 0.15, "%s: a plateau stays", b.name)
	}
	table.print(t)
	table.counts(t, "in use", 0.05)
	table.counts(t, "in use, random order", 0.25)
}

func (p pair) mega() pair { return pair{p.measured / 1e6, p.predicted / 1e6} }

// balanced is the outcome of one load.
type balanced struct {
	version       string
	inUse, file   float64 // bytes: the median before the compactions in the steady state; at the end
	model, middle etcdmodel.Prediction
	drained       int64 // in use at the end, as predicted
}

func (b balance) measure(ctx context.Context, t *testing.T) (r balanced) {
	cluster := harness.Start(t, harness.Config{})
	run, err := cluster.StartChurn(ctx, b.churn)
	require.NoError(t, err)
	time.Sleep(300 * time.Millisecond) // for a commit of the backend
	start, err := cluster.State(ctx)
	require.NoError(t, err)
	running, stop := context.WithCancel(ctx)
	defer stop()
	type compacted struct {
		all []harness.Compacted
		err error
	}
	done := make(chan compacted, 1)
	go func() {
		all, err := cluster.CompactEvery(running, balanceEvery)
		done <- compacted{all, err}
	}()
	middles := make(chan etcdmodel.State, 1)
	time.AfterFunc(time.Duration(b.steady+1)*balanceEvery+balanceEvery/2, func() {
		s, _ := cluster.State(ctx)
		middles <- s
	})
	time.AfterFunc(time.Duration(b.cycles)*balanceEvery+balanceEvery/2, stop)
	churned := run(running)
	d := <-done
	require.NoError(t, d.err)
	require.Greater(t, len(d.all), b.steady, "compactions")
	require.Zero(t, churned.Errors)
	var inUse []float64
	for _, c := range d.all[b.steady:] {
		inUse = append(inUse, c.InUse)
	}
	end, err := cluster.State(ctx)
	require.NoError(t, err)
	r.inUse, r.file = median(inUse), float64(end.Total)
	load := b.load(churned)
	r.model, r.middle = b.predict(t, start, load), b.predict(t, <-middles, load)
	if n := len(r.model.DB.Series); n > 0 {
		r.drained = r.model.DB.Series[n-1].InUse
	}
	r.version = cluster.Model().String()
	return r
}

// load returns the load as it was sent.
func (b balance) load(c harness.Churned) etcdmodel.Load {
	create := etcdmodel.Stream{Op: b.churn.Op, Rate: float64(c.Creates) / c.Seconds, TTL: b.churn.TTL}
	create.Op.Lease = b.churn.TTL > 0
	update := etcdmodel.Stream{Op: b.churn.Op, Rate: float64(c.Updates) / c.Seconds, Keys: b.churn.Live}
	remove := etcdmodel.Stream{
		Op: etcdmodel.Op{Kind: etcdmodel.Delete, Key: key}, Rate: float64(c.Deletes) / c.Seconds,
	}
	if b.churn.Deletes == b.churn.Creates && c.Creates != c.Deletes {
		remove.Rate = create.Rate // equal but for the last request
	}
	var l etcdmodel.Load
	for _, s := range []etcdmodel.Stream{create, update, remove} {
		if s.Rate > 0 {
			l.Streams = append(l.Streams, s)
		}
	}
	l.For = time.Second
	return l
}

func (b balance) predict(t *testing.T, s etcdmodel.State, l etcdmodel.Load) etcdmodel.Prediction {
	p, err := etcdmodel.Predict(etcdmodel.Cluster{
		Members: 1, State: s, CompactEvery: balanceEvery, CompactKeep: balanceEvery,
	}, l)
	require.NoError(t, err)
	return p
}
