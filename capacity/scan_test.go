package capacity

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/redline-go/redline/internal/cluster"
)

// numbers is a table of random numbers, some of them at the edges of what the scan divides.
func numbers(r *rand.Rand, n int) (*Snapshot, *probe) {
	t := &table{names: make([]string, n), taints: make([]int32, n), taintClasses: make([]taintClass, 3)}
	for range basicColumns {
		t.addColumn()
	}
	wants := []int64{1, 2, 3, 7, 200, 333, 1 << 20, 256 << 20, 123456789, exactBelow - 1}
	p := &probe{blocked: []status{0, statusTaint, 0}}
	for k, c := range []int{colCPU, colMemory}[:r.IntN(3)] {
		p.needs = append(p.needs, need{column: c, want: wants[r.IntN(len(wants))], reason: fmt.Sprint("short of ", k)})
	}
	state := &cluster.State{Nodes: make([]*corev1.Node, n)}
	for i := range n {
		t.names[i], t.taints[i] = fmt.Sprint(i), int32(r.IntN(3))
		state.Nodes[i] = &corev1.Node{}
		for c := range t.free {
			t.free[c][i] = r.Int64N(1<<r.IntN(49)+1) - 2
			if c == colPods {
				t.free[c][i] = r.Int64N(200) - 3
			}
			for _, need := range p.needs {
				if need.column == c && r.IntN(2) == 0 { // next to an exact multiple
					t.free[c][i] = min(need.want*r.Int64N(max((exactBelow-2)/need.want, 1)+1)+r.Int64N(3)-1,
						exactBelow-1)
				}
			}
			t.alloc[c][i] = max(t.free[c][i], 0) + r.Int64N(3)
			t.alloc[c][i] = min(t.alloc[c][i], exactBelow-1)
		}
	}
	t.gatherNames()
	t.measure()
	return &Snapshot{state: state, table: t}, p
}

// The scan and its slow twin agree on every node, whatever the numbers.
func FuzzScanIsRoomOn(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		s, p := numbers(rand.New(rand.NewPCG(seed, 1)), 64)
		require.True(t, p.scannable(s.table))
		c := count{nodes: make([]NodeRoom, len(s.table.places))}
		p.scan(s.table, s.table.free, &c)
		v := &view{free: s.table.free}
		slow, total := tally{}, 0
		for i, n := range c.nodes {
			room, stop := p.roomOn(s, v, i)
			require.Equal(t, NodeRoom{&s.table.places[i], int32(room), slow.add(p, s.table.words, stop)}, n, "node %d",
				i)
			total = addRoom(total, room)
		}
		require.Equal(t, total, c.room)
		require.Equal(t, p.histogram(&slow), p.histogram(&c.tally))
	})
}

// A lane is exact at every multiple, one below and one above, up to its bound.
func TestLaneIsDivision(t *testing.T) {
	r := rand.New(rand.NewPCG(8829, 2))
	for range 200000 {
		want := r.Int64N(int64(1)<<(1+r.IntN(48))) + 1
		has := want * r.Int64N(exactBelow/want)
		for _, has := range []int64{has - 1, has, has + 1} {
			l := newLane([]int64{has}, want, 0)
			if has >= 0 && has < exactBelow {
				require.Equal(t, has/want, l.of(0), "%d/%d", has, want)
			}
		}
	}
}

// Quantities beyond the scan's bounds take the other road and do not overflow.
func TestHugeNumbers(t *testing.T) {
	s, p := numbers(rand.New(rand.NewPCG(1, 1)), 1)
	p.needs = []need{{column: colMemory, want: 1}}
	s.table.free[colPods][0], s.table.alloc[colPods][0] = math.MaxInt64, math.MaxInt64
	s.table.free[colMemory][0], s.table.alloc[colMemory][0] = math.MaxInt64, math.MaxInt64
	s.table.taints[0] = 0
	s.table.measure()
	require.False(t, p.scannable(s.table))
	room, _ := p.roomOn(s, &view{free: s.table.free}, 0)
	require.Equal(t, maxRoom, room)
}

func BenchmarkScan(b *testing.B) {
	const n = 5000
	s, _ := numbers(rand.New(rand.NewPCG(1, 1)), n)
	for i := range n {
		s.table.free[colPods][i], s.table.alloc[colPods][i] = 102, 110
		s.table.free[colCPU][i], s.table.alloc[colCPU][i] = int64(300+200*(i%4)), 16000
		s.table.free[colMemory][i], s.table.alloc[colMemory][i] = 56<<30, 64<<30
	}
	p := &probe{needs: []need{{column: colCPU, want: 200, reason: "Insufficient cpu"},
		{column: colMemory, want: 256 << 20}}, blocked: make([]status, 3)}
	c := count{nodes: make([]NodeRoom, len(s.table.places))}
	for b.Loop() {
		c.tally.entries = c.tally.entries[:0]
		p.scan(s.table, s.table.free, &c)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/node")
}
