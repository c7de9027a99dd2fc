package proxycost

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"time"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	_ "k8s.io/kubernetes/pkg/features" // the gates of kube-proxy
	proxyconfig "k8s.io/kubernetes/pkg/proxy/apis/config"
	"k8s.io/kubernetes/pkg/proxy/iptables"
	"k8s.io/kubernetes/pkg/proxy/nftables"
	proxyutil "k8s.io/kubernetes/pkg/proxy/util"
	utiliptables "k8s.io/kubernetes/pkg/util/iptables"
	"k8s.io/utils/ptr"
)

// proxier lists the methods of both real proxiers. Each of On…Synced runs a sync, once both have
// been called.
type proxier interface {
	OnServiceAdd(*corev1.Service)
	OnEndpointSliceAdd(*discoveryv1.EndpointSlice)
	OnEndpointSliceUpdate(old, new *discoveryv1.EndpointSlice)
	OnTopologyChange(map[string]string)
	OnServiceSynced()
	OnEndpointSlicesSynced()
}

// newProxier returns a real one, against the kernel of this network namespace.
func newProxier(mode string) (proxier, error) {
	config := &proxyconfig.KubeProxyConfiguration{
		SyncPeriod:    metav1.Duration{Duration: 30 * time.Second},
		MinSyncPeriod: metav1.Duration{Duration: time.Second},
	}
	config.IPTables.LocalhostNodePorts = ptr.To(true)
	config.IPTables.MasqueradeBit = ptr.To[int32](14)
	config.NFTables.MasqueradeBit = ptr.To[int32](14)
	detector := proxyutil.NewDetectLocalByCIDR(podCIDR)
	ctx, ip := context.Background(), net.ParseIP(nodeIP)
	switch mode {
	case "legacy", "nft":
		return iptables.NewProxier(ctx, config, corev1.IPv4Protocol, utiliptables.New(utiliptables.ProtocolIPv4),
			noSysctl{}, detector, nodeName, ip, nil, nil, false)
	case "nftables":
		if err := utilfeature.DefaultMutableFeatureGate.Set("NFTablesNetlink=true"); err != nil {
			return nil, err
		}
		p, err := nftables.NewProxier(ctx, config, corev1.IPv4Protocol, detector, nodeName, ip, nil, nil, false)
		if err == nil {
			replaceField(p, "serviceHealthServer", noHealth{})
		}
		return p, err
	}
	return nil, fmt.Errorf("proxycost: unknown mode %q", mode)
}

// noSysctl leaves the kernel's settings alone: they are not part of a sync.
type noSysctl struct{}

func (noSysctl) GetSysctl(string) (int, error) { return 0, nil }
func (noSysctl) SetSysctl(string, int) error   { return nil }

// noHealth opens no port.
type noHealth struct{}

func (noHealth) SyncServices(map[types.NamespacedName]uint16) error { return nil }
func (noHealth) SyncEndpoints(map[types.NamespacedName]int) error   { return nil }

// replaceField sets an unexported field of a proxier.
func replaceField(p any, name string, v any) {
	f := reflect.ValueOf(p).Elem().FieldByName(name)
	reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem().Set(reflect.ValueOf(v))
}
