package main

import (
	"context"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

const counterName = "CountAttempts"

// counter reports when an attempt begins. It rejects nothing and wakes nobody.
type counter struct{ out *report }

func (r *report) plugin(ctx context.Context, _ runtime.Object, h framework.Handle) (framework.Plugin, error) {
	core := h.SharedInformerFactory().Core().V1()
	pods, nodes := core.Pods().Informer().HasSynced, core.Nodes().Informer().HasSynced
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), pods, nodes) {
			r.line("ready")
		}
	}()
	return counter{r}, nil
}

func (counter) Name() string { return counterName }

func (c counter) PreFilter(
	context.Context, *framework.CycleState, *corev1.Pod,
) (*framework.PreFilterResult, *framework.Status) {
	c.out.line("attempt %d", time.Now().UnixNano())
	return nil, framework.NewStatus(framework.Skip)
}

func (counter) PreFilterExtensions() framework.PreFilterExtensions { return nil }
func (counter) EventsToRegister() []framework.ClusterEventWithHint { return nil }

// requests is an auth provider that adds no credentials: it is where a kubeconfig lets
// one see a client's requests, after the client's own limits.
type requests struct{ out *report }

func (r *report) provider(string, map[string]string, rest.AuthProviderConfigPersister) (rest.AuthProvider, error) {
	return requests{r}, nil
}

func (requests) Login() error { return nil }

func (r requests) WrapTransport(inner http.RoundTripper) http.RoundTripper {
	return &reported{out: r.out, inner: inner}
}

type reported struct {
	out   *report
	inner http.RoundTripper
}

// WrappedRoundTripper lets client-go reach the transport.
func (r *reported) WrappedRoundTripper() http.RoundTripper { return r.inner }

func (r *reported) RoundTrip(q *http.Request) (*http.Response, error) {
	began := time.Now()
	answer, err := r.inner.RoundTrip(q)
	if q.URL.Query().Get("watch") == "" {
		code := 0
		if err == nil {
			code = answer.StatusCode
		}
		r.out.line("request %d %d %s %d %s", began.UnixNano(), time.Since(began), q.Method, code, q.URL.Path)
	}
	return answer, err
}
