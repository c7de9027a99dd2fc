// Package proxycost runs real kube-proxy v1.37.2 proxiers against the real iptables and nft
// binaries and the real kernel, in network namespaces of their own. Beside them it puts the
// predictions of proxymodel: how long a sync takes and how stale a node becomes.
//
// The namespaces need root. The tests skip without it or without the binaries.
package proxycost
