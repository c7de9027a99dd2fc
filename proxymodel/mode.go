package proxymodel

import (
	"fmt"

	"github.com/redline-go/redline/kube"
)

// Mode is a kube-proxy backend, as `kube-proxy --proxy-mode` selects it.
type Mode int

// The backends of kube-proxy on Linux. Zero is kube-proxy's default.
const (
	IPTables Mode = iota
	NFTables
	IPVS
)

// String returns the mode as kube-proxy's flag spells it.
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

// check returns an error that names the field for a mode that does not exist.
func (m Mode) check(field string) error {
	if m < IPTables || m > IPVS {
		return fmt.Errorf("proxymodel: %s is %d, want IPTables, NFTables or IPVS", field, int(m))
	}
	return nil
}

// Version is a release of kube-proxy. Zero means the newest of [Modelled].
type Version = kube.Version

// The modelled releases: that of incident 8829, and that of the proxiers in validation/.
const (
	V1_29 = kube.V1_29
	V1_37 = kube.V1_37
)

// Modelled returns the releases of kube-proxy whose behaviour is modelled, oldest first. Any other
// release is an error that names its neighbours.
func Modelled() []Version { return []Version{V1_29, V1_37} }

// modelled is Modelled without the allocation. Nothing writes to it.
var modelled = Modelled()
