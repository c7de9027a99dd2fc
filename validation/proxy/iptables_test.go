package proxy

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/proxy/conntrack"
	"k8s.io/kubernetes/pkg/proxy/iptables"
	utiliptables "k8s.io/kubernetes/pkg/util/iptables"
)

// kernel records the input of iptables-restore. It keeps the names of nat chains, as iptables-save
// would give them back.
type kernel struct {
	utiliptables.Interface // nil: what is not defined below is not called
	v6                     bool
	last                   []byte
	chains                 map[string]bool
}

func (k *kernel) EnsureChain(utiliptables.Table, utiliptables.Chain) (bool, error) { return true, nil }
func (k *kernel) EnsureRule(utiliptables.RulePosition, utiliptables.Table, utiliptables.Chain,
	...string) (bool, error) {
	return true, nil
}
func (k *kernel) IsIPv6() bool { return k.v6 }
func (k *kernel) Protocol() utiliptables.Protocol {
	if k.v6 {
		return utiliptables.ProtocolIPv6
	}
	return utiliptables.ProtocolIPv4
}
func (k *kernel) Monitor(utiliptables.Chain, []utiliptables.Table, func(), time.Duration, <-chan struct{}) {
}

func (k *kernel) SaveInto(_ utiliptables.Table, b *bytes.Buffer) error {
	b.WriteString("*nat\n")
	for c := range k.chains {
		fmt.Fprintf(b, ":%s - [0:0]\n", c)
	}
	b.WriteString("COMMIT\n")
	return nil
}

func (k *kernel) RestoreAll(data []byte, _ utiliptables.FlushFlag, _ utiliptables.RestoreCountersFlag) error {
	k.last = append(k.last[:0], data...)
	nat := string(data[bytes.Index(data, []byte("*nat\n")):])
	for line := range strings.Lines(nat) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case strings.HasPrefix(word, ":"):
			k.chains[word[1:]] = true
		case word == "-X":
			delete(k.chains, rest)
		}
	}
	return nil
}

type iptablesReal struct {
	*iptables.Proxier
	kernel *kernel
}

func (p iptablesReal) written() proxymodel.Rules { return parseRestore(p.kernel.last) }
func (p iptablesReal) wait(d time.Duration) {
	age(p.Proxier, d, "lastFullSync", "lastIPTablesCleanup")
}

func newIPTables(t *testing.T, n proxymodel.Node, f corev1.IPFamily) real {
	k := &kernel{v6: f == corev1.IPv6Protocol, chains: map[string]bool{}}
	liberal := sysctls(0)
	if n.TCPBeLiberal {
		liberal = 1
	}
	p, err := iptables.NewProxier(context.Background(), settings(n), f, k, liberal, localDetector(n, f),
		n.Name, nodeIP(n, f), nil, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	field(p, "nfacct").SetZero()
	for name := range field(p, "nfAcctCounters").Interface().(map[string]bool) {
		field(p, "nfAcctCounters").Interface().(map[string]bool)[name] = n.NFAcct
	}
	set(p, "serviceHealthServer", noHealth{})
	set(p, "networkInterfacer", interfaces(n.IPs))
	set(p, "conntrack", conntrack.NewFake())
	p.OnEndpointSlicesSynced()
	return iptablesReal{p, k}
}

func TestIPTables(t *testing.T) {
	t.Parallel()
	syncs, partial := 0, 0
	n := cases(t, 2000, 2000)
	for i := range n {
		w := newWorld(stream("iptables", i), false)
		s, p := run(t, proxymodel.IPTables, proxymodel.V1_37, w, 5,
			func(f corev1.IPFamily) real { return newIPTables(t, w.node, f) })
		syncs, partial = syncs+s, partial+p
		if t.Failed() {
			t.Fatalf("case %d", i)
		}
	}
	t.Logf("%d clusters, %d syncs, %d of them partial: counts and bytes equal", n, syncs, partial)
}
