package proxy

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/proxy/conntrack"
	"k8s.io/kubernetes/pkg/proxy/nftables"
	"sigs.k8s.io/knftables"
)

// recorder keeps the text of the transactions of one sync.
type recorder struct {
	*knftables.Fake
	script strings.Builder
	ops    int
	failed error
}

func (r *recorder) Run(ctx context.Context, tx *knftables.Transaction) error {
	r.script.WriteString(tx.String())
	r.ops += tx.NumOperations()
	err := r.Fake.Run(ctx, tx)
	if err != nil {
		r.failed = err
	}
	return err
}

type nftablesReal struct {
	*nftables.Proxier
	t *testing.T
	r *recorder
}

func (p nftablesReal) OnServiceSynced() {
	p.r.script.Reset()
	p.r.ops = 0
	p.Proxier.OnServiceSynced()
	if p.r.failed != nil {
		p.t.Fatal(p.r.failed)
	}
}

func (p nftablesReal) wait(d time.Duration) {
	age(p.Proxier, d, "lastFullSync")
	stale := field(p.Proxier, "staleChains").Interface().(map[string]time.Time)
	for c := range stale { // stamped by the last sync
		stale[c] = moreThanASecondAgo(d > time.Second)
	}
}

// moreThanASecondAgo returns a time that stays on its side of a second ago however long this
// machine takes to get to the sync.
func moreThanASecondAgo(is bool) time.Time {
	if is {
		return time.Now().Add(-time.Hour)
	}
	return time.Now().Add(time.Hour)
}

func (p nftablesReal) written() proxymodel.Rules { return parseScript(p.r.script.String(), p.r.ops) }

// parseScript counts an nft script.
func parseScript(script string, ops int) proxymodel.Rules {
	r := proxymodel.Rules{
		Table: map[string]int{}, Chains: map[string]int{}, Elements: map[string]int{},
		DeletedElements: map[string]int{}, Bytes: len(script), Operations: ops,
	}
	chains := map[string]bool{}
	flushed := map[string]bool{}
	for line := range strings.Lines(script) {
		words := strings.Fields(line) // VERB OBJECT FAMILY kube-proxy NAME ...
		if len(words) < 5 {
			continue
		}
		name := words[4]
		switch words[0] + " " + words[1] {
		case "add rule":
			chain, _ := kind(nftChain, name)
			r.Table[chain]++
		case "add chain":
			chains[name] = true
		case "flush chain":
			flushed[name] = true
		case "delete chain":
			if !chains[name] { // else only to be sure that it is gone
				r.DeletedChains++
			}
			delete(chains, name)
		case "add element":
			r.Elements[name]++
		case "delete element":
			r.DeletedElements[name]++
		case "add set":
			if strings.HasPrefix(name, "affinity-") {
				r.AffinitySets++
			}
		case "delete set":
			if strings.HasPrefix(name, "affinity-") {
				r.DeletedElements["affinity"]++
			}
		}
	}
	for name := range chains {
		r.TableChains++
		if chain, summed := kind(nftChain, name); summed {
			r.Chains[chain]++
		}
		delete(flushed, name)
	}
	r.FlushedChains = len(flushed)
	return r
}

func newNFTables(t *testing.T, n proxymodel.Node, f corev1.IPFamily) real {
	p, err := nftables.NewProxier(context.Background(), settings(n), f, localDetector(n, f),
		n.Name, nodeIP(n, f), nil, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	family := knftables.IPv4Family
	if f == corev1.IPv6Protocol {
		family = knftables.IPv6Family
	}
	r := &recorder{Fake: knftables.NewFake(family, "kube-proxy")}
	set(p, "nftables", r)
	set(p, "serviceHealthServer", noHealth{})
	set(p, "networkInterfacer", interfaces(n.IPs))
	set(p, "conntrack", conntrack.NewFake())
	p.OnServiceCIDRsChanged(n.ServiceCIDRs)
	p.OnEndpointSlicesSynced()
	return nftablesReal{p, t, r}
}

func TestNFTables(t *testing.T) {
	t.Parallel()
	syncs, partial := 0, 0
	n := cases(t, 500, 2000)
	for i := range n {
		w := newWorld(stream("nftables", i), false)
		s, p := run(t, proxymodel.NFTables, proxymodel.V1_37, w, 5,
			func(f corev1.IPFamily) real { return newNFTables(t, w.node, f) })
		syncs, partial = syncs+s, partial+p
		if t.Failed() {
			t.Fatalf("case %d", i)
		}
	}
	t.Logf("%d clusters, %d syncs, %d of them partial: counts and bytes equal", n, syncs, partial)
}
