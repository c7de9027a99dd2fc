//go:build staging

// Package staging keeps the lines of go.mod that require the staging modules of Kubernetes which
// no package here imports.
//
// k8s.io/kubernetes requires each of them at v0.0.0, which exists nowhere, and replaces it by a
// folder of its own. A replace counts only in the main module, so go.mod names for all of them
// the version that was released with Kubernetes. Nothing builds this package: no one sets its
// tag, but `go mod tidy` reads files under any tag and keeps what they import.
package staging

import (
	_ "k8s.io/cli-runtime"
	_ "k8s.io/cluster-bootstrap"
	_ "k8s.io/code-generator/third_party/forked/golang/reflect"
	_ "k8s.io/cri-api"
	_ "k8s.io/cri-client/pkg/util"
	_ "k8s.io/cri-streaming"
	_ "k8s.io/endpointslice/trafficdist"
	_ "k8s.io/externaljwt"
	_ "k8s.io/kms"
	_ "k8s.io/kube-aggregator/pkg/apis/apiregistration"
	_ "k8s.io/kube-controller-manager"
	_ "k8s.io/kube-proxy"
	_ "k8s.io/kubectl"
	_ "k8s.io/kubelet"
	_ "k8s.io/metrics"
	_ "k8s.io/mount-utils"
	_ "k8s.io/pod-security-admission"
	_ "k8s.io/sample-apiserver/pkg/apis/wardle"
	_ "k8s.io/streaming"
)
