package proxy

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/klog/v2"
	_ "k8s.io/kubernetes/pkg/features"
	kubeproxyconfig "k8s.io/kubernetes/pkg/proxy/apis/config"
	proxyutil "k8s.io/kubernetes/pkg/proxy/util"
)

// The proxiers are made by their own constructors. What those find on the host is then replaced by
// field name: the binaries, the host's addresses and the times of the last syncs.

// field returns a settable view of an unexported field.
func field(p any, name string) reflect.Value {
	f := reflect.ValueOf(p).Elem().FieldByName(name)
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

func set(p any, name string, v any) { field(p, name).Set(reflect.ValueOf(v)) }

// age makes the last actions of the proxier seem to have been that much longer ago.
func age(p any, by time.Duration, names ...string) {
	for _, name := range names {
		f := field(p, name)
		if t := f.Interface().(time.Time); !t.IsZero() {
			f.Set(reflect.ValueOf(t.Add(-by)))
		}
	}
}

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

// settings returns kube-proxy's configuration of a node.
func settings(n proxymodel.Node) *kubeproxyconfig.KubeProxyConfiguration {
	c := &kubeproxyconfig.KubeProxyConfiguration{NodePortAddresses: n.NodePortAddresses,
		SyncPeriod: metav1.Duration{Duration: 30 * time.Second}, MinSyncPeriod: metav1.Duration{Duration: time.Second}}
	c.IPTables.LocalhostNodePorts = &n.LocalhostNodePorts
	c.IPTables.MasqueradeBit, c.NFTables.MasqueradeBit = ptr(int32(14)), ptr(int32(14))
	c.Linux.MasqueradeAll = n.MasqueradeAll
	return c
}

// nodeIP returns the node's first address of one family.
func nodeIP(n proxymodel.Node, f corev1.IPFamily) net.IP {
	for _, s := range n.IPs {
		if ip := net.ParseIP(s); (ip.To4() == nil) == (f == corev1.IPv6Protocol) {
			return ip
		}
	}
	return nil
}

func localCIDR(n proxymodel.Node, f corev1.IPFamily) string {
	switch {
	case n.DetectLocalCIDR == "":
		return ""
	case f == corev1.IPv6Protocol:
		return "fd00:10::/32"
	}
	return "10.0.0.0/8"
}

func localDetector(n proxymodel.Node, f corev1.IPFamily) proxyutil.LocalTrafficDetector {
	if cidr := localCIDR(n, f); cidr != "" {
		return proxyutil.NewDetectLocalByCIDR(cidr)
	}
	return proxyutil.NewNoOpLocalDetector()
}

func TestMain(m *testing.M) {
	klog.SetLogger(klog.Logger{}) // discards
	dir, err := fakeNFT()
	if err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// fakeNFT puts an nft first in PATH that answers the constructor's questions. Neither root nor
// nftables are needed, and no table of the host is touched.
func fakeNFT() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "nft"); err != nil {
		return "", err
	}
	script := "#!/bin/sh\ncase $1 in --version) echo 'nftables v1.0.6 (Lester Gooch #5)';; *) cat >/dev/null;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "nft"), []byte(script), 0o755); err != nil {
		return "", err
	}
	os.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	os.Setenv("KUBE_PROXY_NFTABLES_SKIP_KERNEL_VERSION_CHECK", "1")
	return dir, utilfeature.DefaultMutableFeatureGate.Set("NFTablesNetlink=false")
}
