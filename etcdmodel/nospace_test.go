package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// At the quota kube-apiserver compacts no more, etcd itself does. The file stays either way. After
// the defragmentation and the disarm kube-apiserver's compactor goes on where it stood.
func TestWhoCompactsAtTheQuota(t *testing.T) {
	for _, by := range []Compactor{KubeAPIServer, EtcdItself, Nobody} {
		c := Cluster{Members: 1, Compactor: by, CompactEvery: time.Minute, CompactKeep: time.Minute, Quota: 4 << 20}
		if by == Nobody {
			c.CompactEvery = 0
		}
		s := newServer(t, c, lease)
		for !s.Full() {
			s.Step(time.Second, []float64{60})
		}
		full := s.DB()
		s.Step(10*time.Minute, nil)
		require.Equal(t, full.Total, s.DB().Total, "%v: the file stays", by)
		if by == EtcdItself {
			require.Less(t, s.DB().InUse, full.InUse/2)
			require.Error(t, s.Disarm(), "the file counts")
		} else {
			require.GreaterOrEqual(t, s.DB().InUse, full.InUse, by)
			s.Compact(0)
			s.Step(10*time.Second, nil)
			require.Less(t, s.DB().InUse, full.InUse/2, "a manual Compact goes on")
		}
		s.Defrag()
		s.Step(time.Second, nil)
		require.Equal(t, NoSpace, outcomeOf(t, s, 0), "the alarm stays until it is disarmed")
		require.NoError(t, s.Disarm())
		require.Equal(t, Committed, outcomeOf(t, s, 0))
	}
}

// One member whose file is full is enough. Through a member that was defragmented a write still
// goes through raft, and is refused when it is applied.
func TestAlarmsAreOfMembers(t *testing.T) {
	s := newServer(t, Cluster{Quota: 4 << 20}, lease)
	for !s.Full() {
		s.Step(time.Second, []float64{60})
	}
	s.Compact(0)
	s.Step(20*time.Second, []float64{60})
	require.Len(t, s.Alarms(), 3)
	_, err := s.DefragMember(0)
	require.NoError(t, err)
	s.Step(time.Second, nil)
	require.Less(t, s.File(0), s.File(1))
	fsyncs, _ := s.Counted()
	require.Equal(t, NoSpace, outcomeOf(t, s, 0))
	after, _ := s.Counted()
	require.Equal(t, fsyncs+1, after, "it cost an fdatasync")
	require.Equal(t, NoSpace, outcomeOf(t, s, 1))
	require.Error(t, s.Disarm(), "two files are full")
	require.NoError(t, s.Stop(1))
	require.NoError(t, s.Start(1))
	require.True(t, s.Full(), "a restart reads the alarm from the db")
}

func TestNoSpaceSaysWhoCompacts(t *testing.T) {
	event := Op{Kind: TxnCreate, Key: 60, Value: 1000, Lease: true}
	load := Load{Streams: []Stream{{Op: event, Rate: 20, TTL: time.Minute}}}
	for by, word := range map[Compactor]string{
		KubeAPIServer: "compact_rev_key", EtcdItself: "etcd's own compaction goes on", Nobody: "nobody compacts",
	} {
		p, err := Predict(Cluster{Members: 1, Compactor: by, Quota: 4 << 20, CompactKeep: 5 * time.Minute}, load)
		require.NoError(t, err)
		require.Contains(t, p.DB.NoSpace, word)
		last := p.DB.Series[len(p.DB.Series)-1]
		assert.InDelta(t, (p.DB.QuotaIn + 10*time.Minute).Seconds(), last.At.Seconds(), 1)
		assert.InEpsilon(t, 4<<20, last.Total, 0.05, "the file does not shrink")
		if by == EtcdItself {
			assert.Less(t, last.InUse, last.Total*3/4)
		} else {
			assert.Greater(t, float64(last.InUse), 0.95*(4<<20))
		}
	}
}

// A plain delete goes on at the quota, and so does the revoke of a lease.
func TestDeletesGoOnAtTheQuota(t *testing.T) {
	s := newServer(
		t, Cluster{Members: 1, Quota: 4 << 20}, lease, Stream{Op: Op{Kind: TxnDelete, Key: 60}},
		Stream{Op: Op{Kind: LeaseRevoke, Key: 60}}, Stream{Op: Op{Kind: LeaseGrant}},
		Stream{Op: Op{Kind: TxnConflict, Key: 60, Value: 9}},
	)
	for !s.Full() {
		s.Step(time.Second, []float64{60})
	}
	s.Step(time.Second, nil)
	for class, want := range []Outcome{NoSpace, Committed, Committed, NoSpace, NoSpace} {
		require.NoError(t, s.Submit(class, 1))
		done := s.Step(time.Second, nil).Done
		require.Len(t, done, 1)
		require.Equal(t, want, done[0].Outcome, "class %d", class)
	}
}

func TestNoCompactionIsNobody(t *testing.T) {
	require.Equal(t, Nobody, Cluster{CompactEvery: NoCompaction}.WithDefaults().Compactor)
	require.Equal(t, NoCompaction, Cluster{Compactor: Nobody}.WithDefaults().CompactEvery)
	c := Cluster{Compactor: EtcdItself, CompactKeep: 8 * time.Hour}.WithDefaults()
	require.Equal(t, time.Hour, c.CompactEvery, "every hour at least")
}
