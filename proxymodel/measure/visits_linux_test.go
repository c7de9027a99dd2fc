package measure

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The kernel takes the transaction written by hand, and longer lists take it longer.
func TestVisitRunAgainstTheKernel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skipf("measure: needs root: %v", errOutside)
	}
	ctx, ns := t.Context(), testNamespace(t)
	r := visitRun{namespace: ns}
	rows, err := r.rows(ctx)
	require.NoError(t, err)
	require.Len(t, rows, len(visitObjects))
	assert.Greater(t, rows[2].Nanos, 1.3*rows[0].Nanos, "eighteen times the objects")
	assert.Positive(t, rows[0].Nanos)

	var maps int
	require.NoError(t, ns.inside(func() (err error) {
		names, err := listedSets.names()
		maps = len(names)
		return err
	}))
	assert.Equal(t, r.sets, maps, "every map is bound, or the kernel would have refused it")

	gone, cancel := context.WithCancel(ctx)
	cancel()
	again := visitRun{namespace: ns, sets: r.sets, made: r.made}
	_, err = again.rows(gone)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestBatchNestsAndPads(t *testing.T) {
	b := &netlinkBatch{}
	b.open(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWSET, unix.AF_INET, 0)
	b.nest(5 | unix.NLA_F_NESTED)
	b.text(1, "abcd") // five bytes, padded to eight
	b.unnest()
	b.close()
	require.Len(t, b.out, netlinkHeader+nftablesHeader+attributeHeader+attributeHeader+8)
	assert.EqualValues(t, len(b.out), nativeEndian.Uint32(b.out))
	outer := b.out[netlinkHeader+nftablesHeader:]
	assert.EqualValues(t, len(outer), nativeEndian.Uint16(outer), "with the padding of what it holds")
	assert.EqualValues(t, attributeHeader+5, nativeEndian.Uint16(outer[attributeHeader:]), "without its own")
	assert.Equal(t, "abcd\x00\x00\x00\x00", string(outer[2*attributeHeader:]))
}
