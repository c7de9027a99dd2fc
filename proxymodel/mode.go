package proxymodel

import "fmt"

// Mode is the kube-proxy backend: what `kube-proxy --proxy-mode` selects.
type Mode int

// The backends of kube-proxy on Linux.
const (
	IPTables Mode = iota
	NFTables
	IPVS
)

// String is the mode as kube-proxy's flag spells it.
func (m Mode) String() string {
	switch m {
	case IPTables:
		return "iptables"
	case NFTables:
		return "nftables"
	case IPVS:
		return "ipvs"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}

func (m Mode) check() error {
	if m < IPTables || m > IPVS {
		return fmt.Errorf("proxymodel: Mode is %d, want IPTables, NFTables or IPVS", int(m))
	}
	return nil
}

// Version is a kube-proxy whose behaviour is modelled: v1.29 is the one of
// incident 8829, v1.37 the one the real proxiers of validation/ come from.
type Version int

// The modelled versions of kube-proxy.
const (
	V1_29 Version = iota
	V1_37
)

// String is the version as Kubernetes writes it.
func (v Version) String() string {
	switch v {
	case V1_29:
		return "v1.29"
	case V1_37:
		return "v1.37"
	}
	return fmt.Sprintf("Version(%d)", int(v))
}

func (v Version) check() error {
	if v < V1_29 || v > V1_37 {
		return fmt.Errorf("proxymodel: Version is %d, want V1_29 or V1_37", int(v))
	}
	return nil
}
