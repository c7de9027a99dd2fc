package main

import (
	_ "k8s.io/kubernetes/pkg/proxy/iptables"
	_ "k8s.io/kubernetes/pkg/proxy/ipvs"
	_ "k8s.io/kubernetes/pkg/proxy/nftables"
	_ "k8s.io/kubernetes/pkg/proxy/ipvs/ipset/testing"
	_ "k8s.io/kubernetes/pkg/proxy/ipvs/testing"
	_ "k8s.io/kubernetes/pkg/proxy/ipvs/util/testing"
)

func main() {}
