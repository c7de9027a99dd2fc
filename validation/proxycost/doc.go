// Package proxycost runs real kube-proxy v1.37.2 proxiers against the real
// iptables and nft binaries and the real kernel, in network namespaces of
// their own, beside what proxymodel predicts of them: how long a sync takes
// and how stale a node becomes.
//
// The namespaces need root; the tests skip without it or without the binaries.
package proxycost
