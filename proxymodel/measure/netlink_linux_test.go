package measure

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/redline-go/redline/proxymodel/internal/work"
)

// message returns one netlink message.
func message(kind uint16, body []byte) []byte {
	b := make([]byte, netlinkHeader, align4(netlinkHeader+len(body)))
	nativeEndian.PutUint32(b, uint32(netlinkHeader+len(body)))
	nativeEndian.PutUint16(b[4:], kind)
	return append(b, body...)[:align4(netlinkHeader+len(body))]
}

func attribute(kind uint16, value string) []byte {
	b := make([]byte, attributeHeader, align4(attributeHeader+len(value)+1))
	nativeEndian.PutUint16(b, uint16(attributeHeader+len(value)+1))
	nativeEndian.PutUint16(b[2:], kind)
	return append(b, value...)[:align4(attributeHeader+len(value)+1)]
}

func TestListedReadsNames(t *testing.T) {
	chain := func(name string) []byte {
		body := append(make([]byte, nftablesHeader), attribute(1, "kube-proxy")...)
		return message(unix.NFNL_SUBSYS_NFTABLES<<8, append(body, attribute(unix.NFTA_CHAIN_NAME, name)...))
	}
	piece := append(chain("services"), chain("masquerading")...)
	names, done, err := listedChains.read(nil, piece)
	require.NoError(t, err)
	assert.False(t, done)
	assert.Equal(t, []string{"services", "masquerading"}, names)
	names, done, err = listedChains.read(names, message(unix.NLMSG_DONE, make([]byte, 4)))
	require.NoError(t, err)
	assert.True(t, done)
	assert.Len(t, names, 2)

	refusal := make([]byte, 4)
	refused := -int32(unix.EPERM)
	nativeEndian.PutUint32(refusal, uint32(refused))
	_, _, err = listedChains.read(nil, message(unix.NLMSG_ERROR, refusal))
	assert.ErrorIs(t, err, unix.EPERM)
	_, _, err = listedChains.read(nil, make([]byte, netlinkHeader)) // says that it has no bytes
	assert.Error(t, err)
	for n := range piece { // cut anywhere: fewer names or an error
		names, _, _ := listedChains.read(nil, piece[:n])
		assert.LessOrEqual(t, len(names), 2)
	}
}

// The kernel lists what nft wrote.
func TestListedInNamespace(t *testing.T) {
	nft, err := lookPath("nft")
	if err != nil {
		t.Skipf("measure: needs nft: %v", err)
	}
	ns := testNamespace(t)
	if ns.rootless {
		t.Skipf("measure: needs root: %v", errOutside)
	}
	s := script{services: 300, endpoints: 2} // more than a piece of the answer holds
	_, err = ns.run(t.Context(), s.nftables(work.First, 0), nft, "-f", "-")
	require.NoError(t, err)
	require.NoError(t, ns.inside(func() error {
		chains, err := listedChains.names()
		require.NoError(t, err)
		assert.Contains(t, chains, "cluster-ips-check")
		assert.Len(t, chains, 300+9)
		sets, err := listedSets.names()
		require.NoError(t, err)
		assert.Contains(t, sets, "cluster-ips")
		assert.Len(t, sets, 300+4, "an anonymous map for each service")
		return nil
	}))
}
