package proxy

import (
	"context"
	"testing"
	"time"

	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/proxy/conntrack"
	"k8s.io/kubernetes/pkg/proxy/ipvs"
	ipsettest "k8s.io/kubernetes/pkg/proxy/ipvs/ipset/testing"
	netlinktest "k8s.io/kubernetes/pkg/proxy/ipvs/testing"
	ipvstest "k8s.io/kubernetes/pkg/proxy/ipvs/util/testing"
)

// ipvsReal is the ipvs proxier over the fakes of its own tests.
type ipvsReal struct {
	*ipvs.Proxier
	kernel *kernel
	sets   *ipsettest.FakeIPSet
	ipvs   *ipvstest.FakeIPVS
	links  *netlinktest.FakeNetlinkHandle
}

func (p ipvsReal) wait(time.Duration) {}

func (p ipvsReal) written() proxymodel.Rules {
	r := parseRestore(p.kernel.last)
	r.Elements = map[string]int{}
	for name, entries := range p.sets.Entries {
		r.Elements[name] = len(entries)
		if len(entries) == 0 {
			delete(r.Elements, name)
		}
	}
	r.VirtualServers = len(p.ipvs.Services)
	for _, destinations := range p.ipvs.Destinations {
		r.RealServers += len(destinations)
	}
	bound, _ := p.links.ListBindAddress("kube-ipvs0")
	r.BoundAddresses = len(bound)
	return r
}

func newIPVS(t *testing.T, n proxymodel.Node, f corev1.IPFamily) real {
	v6 := f == corev1.IPv6Protocol
	k := &kernel{v6: v6, chains: map[string]bool{}}
	sets, servers := ipsettest.NewFake("7.0"), ipvstest.NewFake()
	p, err := ipvs.NewProxier(context.Background(), settings(n), f, k, servers, sets, sysctls(0), localDetector(n, f),
		n.Name, nodeIP(n, f), nil, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	links := netlinktest.NewFakeNetlinkHandle(v6)
	links.SetLocalAddresses("lo", "127.0.0.1", "::1")
	links.SetLocalAddresses("eth0", n.IPs...)
	set(p, "netlinkHandle", links)
	set(p, "serviceHealthServer", noHealth{})
	set(p, "networkInterfacer", interfaces(n.IPs))
	set(p, "conntrack", conntrack.NewFake())
	p.OnEndpointSlicesSynced()
	return ipvsReal{p, k, sets, servers, links}
}

func TestIPVS(t *testing.T) {
	t.Parallel()
	syncs := 0
	n := cases(t, 500, 2000)
	for i := range n {
		w := newWorld(stream("ipvs", i), false)
		s, _ := run(t, proxymodel.IPVS, proxymodel.V1_37, w, 5,
			func(f corev1.IPFamily) real { return newIPVS(t, w.node, f) })
		syncs += s
		if t.Failed() {
			t.Fatalf("case %d", i)
		}
	}
	t.Logf("%d clusters, %d syncs: entries, servers, rules and bytes equal", n, syncs)
}
