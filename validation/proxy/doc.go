// Package proxy runs proxymodel beside the real kube-proxy. The iptables, nftables and ipvs
// proxiers of k8s.io/kubernetes v1.37.2 run over fakes that record what they would write. Those of
// v1.29.2 run in a program of their own (../proxy129), since two Kubernetes versions do not build
// into one.
//
// Every test draws random clusters and random histories of changes from a named stream. Both sides
// sync after each change, and every count and every byte must be equal. REDLINE_CASES sets the
// number of cases. REDLINE_LONG=1 runs 2,000 of each.
package proxy
