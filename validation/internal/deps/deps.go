//go:build deps

package deps

import (
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/hanwen/go-fuse/v2/fs"
	_ "github.com/prometheus/common/expfmt"
	_ "github.com/redline-go/redline"
	_ "github.com/stretchr/testify/require"
	_ "go.etcd.io/etcd/server/v3/embed"
	_ "go.etcd.io/etcd/client/v3"
	_ "k8s.io/apiserver/pkg/storage/etcd3/testserver"
	_ "k8s.io/kubernetes/cmd/kube-apiserver/app/testing"
	_ "k8s.io/kubernetes/pkg/controller/deployment"
	_ "k8s.io/kubernetes/pkg/controller/endpointslice"
	_ "k8s.io/kubernetes/pkg/controller/nodelifecycle"
	_ "k8s.io/kubernetes/pkg/controller/podautoscaler"
	_ "k8s.io/kubernetes/pkg/controller/replicaset"
	_ "k8s.io/kubernetes/pkg/controller/resourcequota"
	_ "k8s.io/kubernetes/pkg/controller/podgc"
	_ "k8s.io/kubernetes/pkg/controller/tainteviction"
	_ "k8s.io/kubernetes/pkg/proxy/iptables"
	_ "k8s.io/kubernetes/pkg/proxy/ipvs"
	_ "k8s.io/kubernetes/pkg/proxy/nftables"
	_ "k8s.io/kubernetes/pkg/scheduler"
	_ "k8s.io/component-helpers/apimachinery/lease"
	_ "k8s.io/client-go/informers"
	_ "k8s.io/metrics/pkg/client/clientset/versioned"
	_ "golang.org/x/sys/unix"
	_ "go.uber.org/goleak"
	_ "sigs.k8s.io/yaml"
	_ "sigs.k8s.io/knftables"
)
