// Package apiserver starts a real kube-apiserver on an embedded etcd, both in
// the test's own process and on loopback only.
package apiserver

import (
	"testing"

	"github.com/go-logr/logr"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/storage/etcd3/testserver"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	kastesting "k8s.io/kubernetes/cmd/kube-apiserver/app/testing"
)

// Start returns the configuration of a client in group system:masters. The
// server and its etcd stop when the test ends. It skips a -short test: a
// start takes about six seconds.
func Start(t *testing.T, flags ...string) *rest.Config {
	t.Helper()
	config, _ := StartBesideEtcd(t, flags...)
	return config
}

// StartBesideEtcd is like Start, and returns a client of the server's etcd, too.
func StartBesideEtcd(t *testing.T, flags ...string) (*rest.Config, *clientv3.Client) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a kube-apiserver; not in -short")
	}
	klog.SetLogger(logr.Discard()) // the server's log is not the test's
	etcd := testserver.RunEtcd(t, testserver.NewTestConfig(t))
	t.Cleanup(func() { _ = etcd.Close() })
	storage := storagebackend.NewDefaultConfig("/registry", nil)
	storage.Transport.ServerList = etcd.Endpoints()
	// No service account controller runs here, so the plugin would refuse every pod.
	flags = append([]string{"--disable-admission-plugins=ServiceAccount,TaintNodesByCondition"}, flags...)
	options := kastesting.NewDefaultTestServerOptions()
	options.DisableInvariantChecks = true
	server := kastesting.StartTestServerOrDie(t, options, flags, storage)
	t.Cleanup(server.TearDownFn)
	config := rest.CopyConfig(server.ClientConfig)
	config.QPS, config.Burst = 1000, 1000
	return config, etcd.Client
}
