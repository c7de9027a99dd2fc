package proxymodel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The incident's nodes ran iptables. This advises another mode.
func ExampleCompare() {
	c, err := Compare(Query{
		Mode:    IPTables,
		Version: V1_37,
		Shape:   Uniform(4499, 1),
		Churn:   Churn{Changes: 10, Nodes: 100},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range c.Options {
		fmt.Printf("%-20s full %-6s after a change %-6s stale %s\n",
			o, brief(o.Full.Duration()), brief(o.Partial.Duration()), brief(o.Staleness.Mean))
	}
	fmt.Println(c.Advice.Mode)
	// Output:
	// iptables (legacy)    full 560ms  after a change 160ms  stale 740ms
	// iptables (nf_tables) full 2.9s   after a change 250ms  stale 880ms
	// nftables             full 370ms  after a change 50ms   stale 570ms
	// ipvs                 full 300ms  after a change 300ms  stale 440ms
	// nftables
}

func TestAdviceFollowsVersions(t *testing.T) {
	compare := func(m Mode, v Version, s Shape) Comparison {
		c, err := Compare(Query{Mode: m, Version: v, Shape: s, Churn: Churn{Changes: 5}})
		require.NoError(t, err)
		require.Len(t, c.Options, 4)
		return c
	}
	// The incident's wish, ipvs, is on its way out; nftables is not there yet.
	a := compare(IPTables, V1_29, Uniform(4499, 1)).Advice
	assert.Equal(t, IPTables, a.Mode)
	assert.Contains(t, a.String(), "do not move to ipvs")
	assert.Contains(t, a.String(), "alpha in v1.29")
	a = compare(IPVS, V1_37, Uniform(4499, 1)).Advice
	assert.Equal(t, NFTables, a.Mode)
	assert.Contains(t, a.String(), "removed in v1.43")
	// Many services of two endpoints: nftables' full sync is the catch.
	a = compare(IPTables, V1_37, Uniform(10_000, 2)).Advice
	assert.Contains(t, a.String(), "grow with their square")
	assert.NotContains(t, compare(IPTables, V1_37, Uniform(10_000, 1)).Advice.String(), "square")
	assert.Equal(t, NFTables, compare(NFTables, V1_37, Uniform(10, 1)).Advice.Mode)
	for _, r := range a.Reasons {
		assert.NotContains(t, r, "%!")
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234 * time.Microsecond: "1.2ms", 95: "95ns",
		12345 * time.Millisecond: "12s", 123 * time.Second: "2m0s",
	} {
		assert.Equal(t, want, brief(d))
	}
}

// Memory grows with the cluster; that of 10,000 services was measured.
func TestMemory(t *testing.T) {
	p := predict(t, IPTables, V1_37, Uniform(10_000, 1), Churn{})
	assert.InEpsilon(t, 25.15e6, p.Memory.Kernel, 0.05)
	assert.InEpsilon(t, 42.02e6, p.Memory.Proxy, 0.05)
	p = predict(t, NFTables, V1_37, Uniform(10_000, 1), Churn{})
	assert.InEpsilon(t, 9.16e6, p.Memory.Kernel, 0.2)
	assert.InEpsilon(t, 35.96e6, p.Memory.Proxy, 0.05)
}
