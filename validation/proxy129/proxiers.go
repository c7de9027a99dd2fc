package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/danwinship/knftables"
	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/proxy/iptables"
	"k8s.io/kubernetes/pkg/proxy/ipvs"
	ipsettest "k8s.io/kubernetes/pkg/proxy/ipvs/ipset/testing"
	netlinktest "k8s.io/kubernetes/pkg/proxy/ipvs/testing"
	ipvstest "k8s.io/kubernetes/pkg/proxy/ipvs/util/testing"
	"k8s.io/kubernetes/pkg/proxy/nftables"
	proxyutiliptables "k8s.io/kubernetes/pkg/proxy/util/iptables"
	exectest "k8s.io/utils/exec/testing"
)

// proxier lists the methods that all modes have.
type proxier interface {
	OnServiceUpdate(before, after *v1.Service)
	OnEndpointSliceUpdate(before, after *discovery.EndpointSlice)
	OnEndpointSliceDelete(*discovery.EndpointSlice)
	OnEndpointSlicesSynced()
	OnServiceSynced() // syncs
	OnNodeUpdate(before, after *v1.Node)
}

// running is a proxier, with the way that time passes for it and the text that it wrote last.
type running struct {
	proxier
	node    string
	age     func(time.Duration)
	written func() (answer, []byte)
	err     func() error
}

func start(s settings) (*running, error) {
	local := proxyutiliptables.NewNoOpLocalDetector()
	if s.Local != "" {
		var err error
		if local, err = proxyutiliptables.NewDetectLocalByCIDR(s.Local); err != nil {
			return nil, err
		}
	}
	r := &running{node: s.Node.Name, age: func(time.Duration) {}, err: func() error { return nil }}
	var err error
	switch s.Mode {
	case "iptables":
		err = r.iptables(s, local)
	case "nftables":
		err = r.nftables(s, local)
	case "ipvs":
		err = r.ipvs(s, local)
	default:
		err = fmt.Errorf("unknown mode %q", s.Mode)
	}
	if err != nil {
		return nil, err
	}
	r.zone(s.Node.Zone)
	r.OnEndpointSlicesSynced()
	return r, nil
}

func (s settings) sysctls() sysctls {
	if s.Node.TCPBeLiberal {
		return 1
	}
	return 0
}

const syncPeriod = 30 * time.Second

// noConntrack is a host without the conntrack tool, which v1.29 runs to forget connections.
var noConntrack = &exectest.FakeExec{LookPathFunc: func(file string) (string, error) {
	return "", fmt.Errorf("no %s here", file)
}}

func (r *running) iptables(s settings, local proxyutiliptables.LocalTrafficDetector) error {
	k := &kernel{v6: s.Family == v1.IPv6Protocol, chains: map[string]bool{}}
	p, err := iptables.NewProxier(s.Family, k, s.sysctls(), noConntrack, syncPeriod, time.Second,
		s.Node.MasqueradeAll, s.Node.LocalhostNodePorts, 14, local, s.Node.Name, net.ParseIP(s.NodeIP), nil, nil,
		s.Node.NodePortAddresses, false)
	if err != nil {
		return err
	}
	set(p, "serviceHealthServer", noHealth{})
	set(p, "networkInterfacer", interfaces(s.Node.IPs))
	r.proxier = p
	r.written = func() (answer, []byte) { return answer{}, k.last }
	r.age = func(d time.Duration) {
		f := field(p, "lastIPTablesCleanup")
		if t := f.Interface().(time.Time); !t.IsZero() {
			set(p, "lastIPTablesCleanup", t.Add(-d))
		}
	}
	return nil
}

// recorder keeps the text of the transactions of one sync.
type recorder struct {
	*knftables.Fake
	script strings.Builder
	failed error
}

func (r *recorder) Run(ctx context.Context, tx *knftables.Transaction) error {
	text := tx.String()
	r.script.WriteString(text)
	if strings.HasPrefix(text, "delete chain") && r.inUse(text) {
		return errors.New("device or resource busy") // as the kernel says; the fake does not look
	}
	err := r.Fake.Run(ctx, tx)
	if err != nil {
		r.failed = err
	}
	return err
}

// inUse reports whether a chain that a script deletes is still jumped to.
func (r *recorder) inUse(script string) bool {
	used := map[string]bool{}
	note := func(text string) {
		words := strings.Fields(text)
		for i, w := range words[:max(len(words)-1, 0)] {
			used[words[i+1]] = used[words[i+1]] || w == "goto" || w == "jump"
		}
	}
	for _, c := range r.Fake.Table.Chains {
		for _, rule := range c.Rules {
			note(rule.Rule)
		}
	}
	for _, m := range r.Fake.Table.Maps {
		for _, e := range m.Elements {
			note(strings.Join(e.Value, " "))
		}
	}
	for line := range strings.Lines(script) {
		if f := strings.Fields(line); used[f[len(f)-1]] {
			return true
		}
	}
	return false
}

func (r *running) nftables(s settings, local proxyutiliptables.LocalTrafficDetector) error {
	p, err := nftables.NewProxier(s.Family, s.sysctls(), syncPeriod, time.Second, s.Node.MasqueradeAll, 14, local,
		s.Node.Name, net.ParseIP(s.NodeIP), nil, nil, s.Node.NodePortAddresses, false)
	if err != nil {
		return err
	}
	family := knftables.IPv4Family
	if s.Family == v1.IPv6Protocol {
		family = knftables.IPv6Family
	}
	k := &recorder{Fake: knftables.NewFake(family, "kube-proxy")}
	set(p, "nftables", k)
	set(p, "exec", noConntrack)
	set(p, "serviceHealthServer", noHealth{})
	set(p, "networkInterfacer", interfaces(s.Node.IPs))
	r.proxier = p
	r.written = func() (answer, []byte) {
		text := k.script.String()
		k.script.Reset()
		return answer{Ops: strings.Count(text, "\n")}, []byte(text)
	}
	r.err = func() error { return k.failed }
	ages, stamps := map[string]time.Duration{}, map[string]time.Time{}
	r.age = func(d time.Duration) {
		stale := field(p, "staleChains").Interface().(map[string]time.Time)
		for c, since := range stale {
			if since != stamps[c] { // by the last sync
				ages[c] = 0
			}
			ages[c] += d
			stamps[c] = moreThanASecondAgo(ages[c] > time.Second)
			stale[c] = stamps[c]
		}
	}
	return nil
}

// moreThanASecondAgo returns a time that stays on its side of a second ago however long this
// machine takes to get to the sync.
func moreThanASecondAgo(is bool) time.Time {
	if is {
		return time.Now().Add(-time.Hour)
	}
	return time.Now().Add(time.Hour)
}

func (r *running) ipvs(s settings, local proxyutiliptables.LocalTrafficDetector) error {
	v6 := s.Family == v1.IPv6Protocol
	k := &kernel{v6: v6, chains: map[string]bool{}}
	sets, servers := ipsettest.NewFake("7.0"), ipvstest.NewFake()
	p, err := ipvs.NewProxier(s.Family, k, servers, sets, sysctls(0), noConntrack, syncPeriod, time.Second,
		nil, false, 0, 0, 0, s.Node.MasqueradeAll, 14, local, s.Node.Name, net.ParseIP(s.NodeIP), nil, nil, "rr",
		s.Node.NodePortAddresses, false)
	if err != nil {
		return err
	}
	links := netlinktest.NewFakeNetlinkHandle(v6)
	if err := links.SetLocalAddresses("lo", "127.0.0.1", "::1"); err != nil {
		return err
	}
	if err := links.SetLocalAddresses("eth0", s.Node.IPs...); err != nil {
		return err
	}
	set(p, "netlinkHandle", links)
	set(p, "serviceHealthServer", noHealth{})
	set(p, "networkInterfacer", interfaces(s.Node.IPs))
	r.proxier = p
	r.written = func() (answer, []byte) {
		a := answer{Entries: map[string]int{}, Servers: len(servers.Services)}
		for name, entries := range sets.Entries {
			if len(entries) > 0 {
				a.Entries[name] = len(entries)
			}
		}
		for _, d := range servers.Destinations {
			a.Real += len(d)
		}
		bound, _ := links.ListBindAddress("kube-ipvs0")
		a.Bound = len(bound)
		return a, k.last
	}
	return nil
}

func (r *running) zone(zone string) {
	labels := map[string]string{v1.LabelTopologyZone: zone}
	r.OnNodeUpdate(nil, &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: r.node, Labels: labels}})
}

// sync passes the events to the proxier, lets it sync and answers with the text that it wrote.
func (r *running) sync(q request, out *bufio.Writer) error {
	r.age(q.After)
	for _, o := range q.Ops {
		switch {
		case o.Zone != nil:
			r.zone(*o.Zone)
		case o.Slice == nil:
			r.OnServiceUpdate(o.ServiceBefore, o.Service)
		case o.SliceGone:
			r.OnEndpointSliceDelete(o.Slice)
		default:
			r.OnEndpointSliceUpdate(nil, o.Slice)
		}
	}
	r.OnServiceSynced()
	if err := r.err(); err != nil {
		return err
	}
	a, text := r.written()
	a.Size = len(text)
	head, err := json.Marshal(a)
	if err != nil {
		return err
	}
	out.Write(head)
	out.WriteByte('\n')
	out.Write(text)
	return out.Flush()
}
