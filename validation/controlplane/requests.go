package controlplane

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Request is one request of a client, watches excepted.
type Request struct {
	At       time.Duration // when it was sent
	Took     time.Duration
	Client   string // scheduler, events, replicaset, kubelet, heartbeat, ...
	Verb     string // GET, LIST, POST, PUT, PATCH, DELETE
	Resource string // such as pods/status
	Code     string // HTTP status, or timeout, canceled, connection
}

// requests keeps what the clients did.
type requests struct {
	clock clock
	mu    sync.Mutex
	all   []Request
}

// wrap counts the requests of a client.
func (r *requests) wrap(client string) func(http.RoundTripper) http.RoundTripper {
	return func(inner http.RoundTripper) http.RoundTripper { return &counted{r, client, inner} }
}

type counted struct {
	to     *requests
	client string
	inner  http.RoundTripper
}

// WrappedRoundTripper lets client-go reach the transport, to close its connections.
func (c *counted) WrappedRoundTripper() http.RoundTripper { return c.inner }

func (c *counted) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.URL.Query().Get("watch") != "" {
		return c.inner.RoundTrip(q)
	}
	began := time.Now()
	answer, err := c.inner.RoundTrip(q)
	resource, verb := verbOf(q.URL.Path, q.Method)
	c.to.add(Request{
		At: c.to.clock.at(began), Took: time.Since(began), Client: c.client, Verb: verb, Resource: resource,
		Code: codeOf(answer, err),
	})
	return answer, err
}

func (r *requests) add(x Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, x)
}

// verbOf returns a request's resource and verb. A GET of no single object is a LIST.
func verbOf(path, method string) (resource, verb string) {
	resource, named := resourceOf(path)
	if method == http.MethodGet && !named {
		return resource, "LIST"
	}
	return resource, method
}

func codeOf(answer *http.Response, err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return answer.Status[:3]
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "connection"
}

// resourceOf returns the resource with its subresource, and whether one object is named.
func resourceOf(path string) (string, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	skip := 2 // api/v1
	if parts[0] == "apis" {
		skip = 3
	}
	if len(parts) <= skip {
		return strings.Join(parts, "/"), true
	}
	parts = parts[skip:]
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	if len(parts) > 2 {
		return parts[0] + "/" + parts[2], true
	}
	return parts[0], len(parts) == 2
}
