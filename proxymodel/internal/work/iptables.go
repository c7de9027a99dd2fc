package work

import "math"

// IPTables holds the units of one iptables sync. proxymodel.IPTablesCost has the formula.
type IPTables struct {
	Execs   float64 // processes
	Lines   float64 // rules read by iptables-restore
	Decls   float64 // chain lines read by it
	Fetches float64 // times table nat is fetched
	Saves   float64 // times it is printed
	Rules   float64 // of table nat before the sync; none at the first
	Commit  float64 // rules of table nat after the sync
	Chains  float64
	Always  float64

	Compared float64 // nft: names passed in its list of chains
	Names    float64 // nft: that list's length
}

// Every full sync asks for its 14 jumps by name with `iptables -N` and `iptables -C`. Three of
// them are in table nat (pkg/proxy/iptables/proxier.go:364,686).
const (
	ensureExecs    = 28
	ensureNATExecs = 6
)

// IPTablesSync counts a sync in which changed services differ.
func IPTablesSync(s *Size, p Phase, changed float64) IPTables {
	rules := float64(s.Rules)
	w := IPTables{
		Execs: 1, Fetches: 1, Rules: rules, Commit: rules, Chains: float64(s.Chains),
		Lines: rules, Decls: float64(s.Chains), Always: float64(s.Always),
	}
	if !s.Large {
		w.Execs, w.Saves = 2, 1
	}
	written := float64(s.Ports)
	switch p {
	case First:
		w.Execs, w.Saves, w.Rules, w.Fetches = ensureExecs+2, 0, 0, 0
	case Full:
		w.Execs += ensureExecs
		w.Fetches += ensureNATExecs
	case Partial:
		e := float64(s.Endpoints) / float64(max(s.Ports, 1))
		w.Lines = min(w.Lines, w.Always+changed*(1+3*e))
		w.Decls = min(w.Decls, 4+changed*(1+e))
		written = changed
	}
	w.compare(float64(s.Ports), float64(s.Chains), written)
	return w
}

// compare counts the names that iptables-nft-restore passes to learn which chains to ask for.
//
// It keeps a sorted list of the names that it reads. For each chain line, each rule's chain and
// each rule's target it passes all names before it in the list (iptables 1.8.9,
// cache_chain_list_insert of nft-cache.c). KUBE-SEP sorts before KUBE-SERVICES and that before
// KUBE-SVC, so each rule of KUBE-SERVICES passes all endpoints' chains twice.
func (w *IPTables) compare(ports, chains, written float64) {
	// Endpoints of the services written.
	endpoints := max(0, chains-ports) * written / max(ports, 1)
	// Half of the services in the list, on average: rules that jump to them lengthen it.
	services := ports/4 + written/4
	w.Compared = w.Always*(2*endpoints+services) +
		written*(endpoints+services) + // each to its mark
		endpoints*(1.5*endpoints+services) + endpoints*endpoints + // to each endpoint, and its own two rules
		written*(endpoints/2+written/4) + endpoints*endpoints/4 // the chain lines
	w.Names = chains
	if written < ports { // a name first met in a rule lies alone in memory
		w.Names = min(chains, 1.5*w.Always+written+endpoints)
	}
}

// Passing a name costs proxymodel.IPTablesCost.Cold more in a list of coldNames, and nothing more
// in one of up to warmNames. Both are fitted. At some 100 bytes of memory a name they are 0.2 and
// 1.4 MB.
const (
	warmNames = 2000
	coldNames = 14_000
)

// User returns the units of Line, Parse, Save, Chains and Cold.
func (w *IPTables) User(nft bool) [5]float64 {
	u := [5]float64{w.Lines, w.Rules * w.Fetches, w.Rules * w.Saves}
	if nft {
		u[3], u[4] = w.Compared, w.Compared*Coldness(w.Names, warmNames, coldNames)
	} else {
		u[3] = w.Decls * w.Chains * math.Sqrt(w.Chains)
	}
	return u
}

// Kernel returns the units of Fetch, Commit, Rewrite and SaveKernel.
func (w *IPTables) Kernel(nft bool) [4]float64 {
	k := [4]float64{w.Rules * w.Fetches, w.Commit, w.Always, w.Rules * w.Saves}
	if nft {
		k[1] = w.Lines
		if w.Rules == 0 {
			k[2] = 0 // no old ones to delete
		}
	}
	return k
}
