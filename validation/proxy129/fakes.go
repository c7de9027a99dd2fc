package main

import (
	"bytes"
	"fmt"
	"net"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"k8s.io/apimachinery/pkg/types"
	utiliptables "k8s.io/kubernetes/pkg/util/iptables"
)

// field returns a settable view of an unexported field.
func field(p any, name string) reflect.Value {
	f := reflect.ValueOf(p).Elem().FieldByName(name)
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

func set(p any, name string, v any) { field(p, name).Set(reflect.ValueOf(v)) }

// sysctls is a host where every sysctl has one value and can be set.
type sysctls int

func (s sysctls) GetSysctl(string) (int, error) { return int(s), nil }
func (s sysctls) SetSysctl(string, int) error   { return nil }

// noHealth opens no health check ports.
type noHealth struct{}

func (noHealth) SyncServices(map[types.NamespacedName]uint16) error { return nil }
func (noHealth) SyncEndpoints(map[types.NamespacedName]int) error   { return nil }

// interfaces holds the addresses of the node. Those of the loopback are added.
type interfaces []string

func (i interfaces) InterfaceAddrs() ([]net.Addr, error) {
	out := []net.Addr{&net.IPNet{IP: net.ParseIP("127.0.0.1"), Mask: net.CIDRMask(8, 32)},
		&net.IPNet{IP: net.ParseIP("::1"), Mask: net.CIDRMask(128, 128)}}
	for _, s := range i {
		out = append(out, &net.IPNet{IP: net.ParseIP(s), Mask: net.CIDRMask(24, 32)})
	}
	return out, nil
}

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
func (k *kernel) IsIPv6() bool         { return k.v6 }
func (k *kernel) HasRandomFully() bool { return true }
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
