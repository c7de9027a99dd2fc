// Package work counts the units of work in a kube-proxy sync, and fits what each unit costs.
//
// Package proxymodel multiplies the units by a Machine's costs. Package proxymodel/measure times
// real syncs and solves for the costs. Both need the same units in the same order:
//
//	w := work.IPTablesSync(&size, work.Full, 0)
//	user, kernel := w.User(false), w.Kernel(false) // the legacy binary
package work

// Phase is a kind of sync.
type Phase int

// The kinds of sync.
const (
	First   Phase = iota // into an empty kernel
	Full                 // everything is written again
	Partial              // only changed services are written
)

// Size is the part of a proxymodel.Shape that the units depend on.
type Size struct {
	Ports, Endpoints int
	Large            bool // kube-proxy's large-cluster mode

	Rules, Chains, Always int // of table nat; Always are the rules that every sync writes

	Listed            int // nftables: chains
	Elements          int // nftables: elements of maps with one per service port
	Maps, MapElements int // nftables: anonymous maps of endpoints
	AffinitySets      int // nftables: sets that remember clients
}

// Proxy returns the units of kube-proxy's own work: changed services, then a sync, its ports, its
// endpoints and its maps, each by phase.
func Proxy(s *Size, p Phase, changed float64) [13]float64 {
	var u [13]float64
	if p == Partial {
		u[0] = changed
	}
	u[1+int(p)] = 1
	u[4+int(p)], u[7+int(p)], u[10+int(p)] = float64(s.Ports), float64(s.Endpoints), float64(s.Maps)
	return u
}

// Coldness returns the share of a list's visits that miss the caches: none up to a length of warm,
// all from cold on.
func Coldness(length, warm, cold float64) float64 {
	return min(max(0, length-warm)/(cold-warm), 1)
}
