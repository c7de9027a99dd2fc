// Package proxymodel answers what kube-proxy makes of a cluster's services: which rules, how many
// bytes, and what a sync of them costs.
//
// [Count] takes real Services and EndpointSlices and a node's settings. It returns [Rules]: rules
// and chains, elements of sets and maps, virtual and real servers, and the bytes of the restore
// input. They equal those of the real proxier, exactly, for the iptables,
// nftables and ipvs modes of v1.29 and v1.37. validation/proxy runs both side by side.
//
//	r, err := proxymodel.Count(proxymodel.IPTables, proxymodel.V1_29, node, services, slices)
//	r.Lines("nat", "KUBE-SERVICES") // as `iptables -t nat -L KUBE-SERVICES | wc -l`
//
// [Partial] and [Counter] answer for the syncs that follow. These write only the changed services
// again, and delete what the services left behind. A Counter recounts one change in microseconds.
//
// [Predict] turns counts into time: the length of a full and a partial sync, the staleness of a
// node's rules under a churn of endpoints, and the cost of a connection's first packet. It takes a
// [Shape] and the coefficients of a [Machine], which package proxymodel/measure measures.
//
//	p, err := proxymodel.Predict(proxymodel.Query{Shape: proxymodel.Uniform(4500, 2)})
//
// [Compare] asks for all modes side by side, and advises one.
package proxymodel
