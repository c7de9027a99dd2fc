package controlplane

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app/testing"
)

// api is a running kube-apiserver and the clients made for it.
type api struct {
	server    apiserver.TestServer
	requests  *requests
	transport []http.RoundTripper
}

// startAPI starts kube-apiserver with a token for every identity, so that priority and
// fairness puts each client into the level that it has in a real cluster.
func startAPI(t testing.TB, s Scenario, endpoints []string, r *requests) *api {
	t.Helper()
	tokens := filepath.Join(t.TempDir(), "tokens.csv")
	if err := os.WriteFile(tokens, []byte(tokenFile(s.Nodes)), 0o600); err != nil {
		t.Fatalf("controlplane: %v", err)
	}
	storage := storagebackend.NewDefaultConfig("/registry", nil)
	storage.Transport.ServerList = endpoints
	flags := []string{"--disable-admission-plugins=TaintNodesByCondition", "--token-auth-file=" + tokens}
	// No client has a certificate here; with EnableCertAuth the server would have one for
	// itself, and client-go's watch of its files would outlive the server.
	options := &apiserver.TestServerInstanceOptions{DisableInvariantChecks: true}
	server, err := apiserver.StartTestServer(quiet{t}, options, flags, storage)
	if err != nil {
		t.Fatalf("controlplane: start kube-apiserver: %v", err)
	}
	return &api{server: server, requests: r}
}

func (a *api) stop() {
	for _, t := range a.transport {
		utilnet.CloseIdleConnectionsFor(t)
	}
	a.server.TearDownFn()
}

// quiet keeps kube-apiserver's start-up talk out of the test's log.
type quiet struct{ testing.TB }

func (quiet) Log(...any)          {}
func (quiet) Logf(string, ...any) {}

// controllers are the identities of the controller manager.
var controllers = []string{"replicaset-controller", "deployment-controller", "horizontal-pod-autoscaler",
	"node-controller",
	"endpointslice-controller", "pod-garbage-collector", "resourcequota-controller"}

func tokenFile(nodes int) string {
	var b strings.Builder
	add := func(user, groups string) { fmt.Fprintf(&b, "%s,%s,%s,%q\n", user, user, user, groups) }
	for i := range nodes {
		add("system:node:"+nodeName(i), "system:nodes")
	}
	for _, c := range controllers {
		add(controllerUser(c), "system:serviceaccounts,system:serviceaccounts:kube-system")
	}
	add("system:kube-scheduler", "system:authenticated")
	add("system:kube-controller-manager", "system:authenticated")
	add("admin", "system:masters")
	return b.String()
}

func controllerUser(name string) string { return "system:serviceaccount:kube-system:" + name }

// config returns a client's configuration: its user, the name it is counted under, its own limits
// and a connection of its own.
func (a *api) config(user, client string, qps float32, burst int) *rest.Config {
	c := &rest.Config{
		Host: a.server.ClientConfig.Host, TLSClientConfig: rest.TLSClientConfig{Insecure: true},
		BearerToken: user, QPS: qps, Burst: burst, UserAgent: client,
		Dial:          (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		WrapTransport: a.requests.wrap(client),
	}
	c.ContentType = "application/vnd.kubernetes.protobuf"
	c.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	return c
}

// client returns a clientset of such a config.
func (a *api) client(user, client string, qps float32, burst int) *kubernetes.Clientset {
	c := a.config(user, client, qps, burst)
	h, err := rest.HTTPClientFor(c)
	if err != nil {
		panic(err) // the config is ours
	}
	a.transport = append(a.transport, h.Transport)
	set, err := kubernetes.NewForConfigAndClient(c, h)
	if err != nil {
		panic(err)
	}
	return set
}
