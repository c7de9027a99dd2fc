package proxy

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// real is one family's proxier with its recorder.
type real interface {
	proxier
	written() proxymodel.Rules // by the last sync
	wait(time.Duration)        // lets time pass since the last sync
}

// run draws one history and compares every sync of it, in all the node's families. It returns how
// many syncs there were and how many of them were partial.
func run(t *testing.T, m proxymodel.Mode, v proxymodel.Version, w *world, steps int,
	make_ func(corev1.IPFamily) real) (syncs, partial int) {
	t.Helper()
	events := w.start()
	services, slices := objects(events)
	c, err := proxymodel.NewCounter(m, v, w.node, services, slices)
	if err != nil {
		t.Fatal(err)
	}
	families, reals := startReals(c.Rules(), w, make_)
	at, after := time.Duration(0), time.Duration(0)
	for i := 0; i <= steps; i++ {
		for _, o := range events {
			for _, f := range families {
				o.tell(reals[f], f)
			}
			if i > 0 {
				if err := o.apply(c); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, err := c.Sync(at)
		if err != nil {
			t.Fatal(err)
		}
		counted, err := proxymodel.Count(m, v, w.node, w.services, w.slices)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(counted, c.Rules(), cmpopts.EquateErrors()); d != "" {
			t.Fatalf("sync %d: Count and Counter.Rules differ:\n%s", i, d)
		}
		for _, f := range families {
			if i > 0 {
				reals[f].wait(after)
			}
			reals[f].OnServiceSynced()
			syncs++
			if !got.Full {
				partial++
			}
			equal(t, i, reals[f].written(), got)
			if got.Secondary != nil {
				got = *got.Secondary
			}
		}
		events, after = w.step()
		at += after
	}
	return syncs, partial
}

// startReals starts the real proxier of each of the node's families, in the order of the rules.
func startReals(r proxymodel.Rules, w *world, start func(corev1.IPFamily) real) (
	families []corev1.IPFamily, reals map[corev1.IPFamily]real) {
	reals = map[corev1.IPFamily]real{}
	for ; ; r = *r.Secondary {
		families = append(families, r.Family)
		reals[r.Family] = start(r.Family)
		reals[r.Family].OnTopologyChange(map[string]string{corev1.LabelTopologyZone: w.node.Zone})
		if r.Secondary == nil {
			return families, reals
		}
	}
}

// objects returns the objects that the events of a start add.
func objects(events []op) (services []*corev1.Service, slices []*discoveryv1.EndpointSlice) {
	for _, o := range events {
		if o.Slice != nil {
			slices = append(slices, o.Slice)
		} else {
			services = append(services, o.Service)
		}
	}
	return services, slices
}

// equal compares everything that both sides know.
func equal(t *testing.T, sync int, want, got proxymodel.Rules) {
	t.Helper()
	ignore := cmpopts.IgnoreFields(proxymodel.Rules{},
		"Mode", "Version", "Family", "Full", "Large", "Secondary", "Warnings")
	if d := cmp.Diff(want, got, ignore, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("sync %d (full %v, large %v): kube-proxy - and the model + differ:\n%s", sync, got.Full, got.Large, d)
	}
	if len(got.Warnings) > 0 {
		t.Fatalf("sync %d: unexpected warnings %v", sync, got.Warnings)
	}
}

var (
	iptablesChain = regexp.MustCompile(`^KUBE-(SVC|SVL|SEP|EXT|FW)-[A-Z2-7]{16}$`)
	nftChain      = regexp.MustCompile(`^(service|local|external|firewall|endpoint)-[A-Z2-7]{8}-.*/`)
)

// kind returns the chain's own name, or the prefix that it is summed under.
func kind(re *regexp.Regexp, chain string) (name string, summed bool) {
	if m := re.FindStringSubmatch(chain); m != nil {
		return m[1], true
	}
	return chain, false
}

// parseRestore counts the input of iptables-restore.
func parseRestore(data []byte) proxymodel.Rules {
	r := proxymodel.Rules{NAT: map[string]int{}, Filter: map[string]int{}, Chains: map[string]int{}, Bytes: len(data)}
	rules, lines := r.NAT, &r.NATChains
	gone := map[string]int{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch word, rest, _ := strings.Cut(line, " "); {
		case line == "*nat":
			rules, lines = r.NAT, &r.NATChains
		case line == "*filter":
			rules, lines = r.Filter, &r.FilterChains
		case strings.HasPrefix(line, ":"):
			*lines++
			if name, summed := kind(iptablesChain, word[1:]); summed {
				r.Chains[name]++
			}
		case word == "-X":
			name, _ := kind(iptablesChain, rest)
			gone[name]++
			r.DeletedChains++
		case word == "-A":
			chain, _, _ := strings.Cut(rest, " ")
			name, _ := kind(iptablesChain, chain)
			rules[name]++
		}
	}
	for name, n := range gone { // their chain lines declare nothing new
		if r.Chains[name] -= n; r.Chains[name] == 0 {
			delete(r.Chains, name)
		}
	}
	return r
}
