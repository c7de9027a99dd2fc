package kubeops

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
)

// requestLine is a series of apiserver_request_total as kube-apiserver v1.37 writes it.
func requestLine(verb, group, resource, sub, code, dry string, n int) string {
	return fmt.Sprintf(`apiserver_request_total{code=%q,component="apiserver",dry_run=%q,group=%q,resource=%q,`+
		"scope=\"resource\",subresource=%q,verb=%q,version=\"v1\"} %d\n", code, dry, group, resource, sub, verb, n)
}

func pageOf(lines ...string) string {
	return "# TYPE apiserver_request_total counter\n" + strings.Join(lines, "")
}

// counts returns the operations in a window of 10 s by stream.
func counts(streams []etcdmodel.Stream) map[string]float64 {
	out := map[string]float64{}
	for _, s := range streams {
		out[s.Name] = math.Round(1e9*10*s.Rate) / 1e9
	}
	return out
}

func churn(t *testing.T, before, after string) Churn {
	t.Helper()
	c, err := ChurnFromMetrics(strings.NewReader(before), strings.NewReader(after), 10*time.Second)
	require.NoError(t, err)
	return c
}

// Every verb, subresource, answer and dry run counts for what it does to etcd.
func TestChurnOfRequests(t *testing.T) {
	before := pageOf(requestLine("POST", "", "pods", "", "201", "", 100))
	after := pageOf(
		requestLine("POST", "", "pods", "", "201", "", 140),
		requestLine("POST", "", "pods", "", "201", "All", 7),
		requestLine("POST", "", "pods", "", "409", "", 9),
		requestLine("POST", "", "pods", "binding", "201", "", 30),
		requestLine("POST", "", "pods", "eviction", "201", "", 4),
		requestLine("DELETE", "", "pods", "", "200", "", 36),
		requestLine("PATCH", "", "pods", "status", "200", "", 50),
		requestLine("APPLY", "apps", "deployments", "", "201", "", 2),
		requestLine("APPLY", "apps", "deployments", "", "200", "", 6),
		requestLine("PUT", "coordination.k8s.io", "leases", "", "200", "", 1000),
		requestLine("POST", "", "serviceaccounts", "token", "201", "", 11),
		requestLine("POST", "authorization.k8s.io", "subjectaccessreviews", "", "201", "", 12),
		requestLine("POST", "events.k8s.io", "events", "", "201", "", 60),
		requestLine("GET", "example.com", "widgets", "", "200", "", 5),
		requestLine("LIST", "", "pods", "", "200", "", 8),
		requestLine("WATCH", "", "pods", "", "200", "", 8),
		requestLine("LIST", "", "events", "", "200", "", 3),
		requestLine("DELETECOLLECTION", "", "pods", "", "200", "", 1),
		requestLine("CONNECT", "", "pods", "exec", "101", "", 1),
	)
	c := churn(t, before, after)
	assert.Equal(t, 1, c.Servers)
	streams, warnings := c.Streams(Storage{}, Inventory{})
	want := map[string]float64{
		"pods TxnCreate": 40, "pods TxnUpdate": 30 + 50 + 36 + 8, "pods TxnDelete": 20, "pods TxnConflict": 9,
		"deployments.apps TxnCreate": 2, "deployments.apps TxnUpdate": 6, "leases.coordination.k8s.io TxnUpdate": 1000,
		"events TxnCreate": 60, "events list": 3, "widgets.example.com get": 5, "leases of events": 10.0 / 60,
	}
	got := counts(streams)
	require.Equal(t, sortedKeys(want), sortedKeys(got))
	for name := range want {
		assert.InDelta(t, want[name], got[name], 1e-9, name)
	}
	require.NoError(t, etcdmodel.Load{Streams: streams}.Check())
	texts := fmt.Sprint(c.Warnings, warnings)
	assert.Contains(t, texts, "7 dry runs and 1 requests without success are left out")
	assert.Contains(t, texts, "DELETECOLLECTION/s delete a number of objects")
	assert.Contains(t, texts, "the size of widgets.example.com is not known: 1024 bytes are assumed")
	for _, s := range streams {
		if s.Name == "events TxnCreate" {
			assert.Equal(t, time.Hour, s.TTL)
			assert.True(t, s.Op.Lease)
		}
	}
}

// What the pages count of etcd itself is taken before what they count of requests.
func TestChurnOfEtcd(t *testing.T) {
	line := func(metric, operation, resource string, n int) string {
		return fmt.Sprintf("%s{group=\"\",operation=%q,resource=%q} %d\n", metric, operation, resource, n)
	}
	post := func(n int) string { return requestLine("POST", "", "pods", "", "201", "", n) }
	before := pageOf(post(100), line(metricEtcd, "create", "pods", 5))
	after := pageOf(post(116), line(metricEtcd, "create", "pods", 25), line(metricEtcdErrors, "create", "pods", 3),
		line(metricEtcd, "get", "pods", 4), line(metricEtcd, "list", "pods", 2), line(metricEtcd, "listWithCount", "pods", 1),
		line(metricEtcd, "odd", "pods", 1),
		"apiserver_resource_objects{group=\"\",resource=\"pods\"} 10\n",
		"apiserver_resource_size_estimate_bytes{group=\"\",resource=\"pods\"} 20000\n")
	streams, warnings := churn(t, before, after).Streams(Storage{}, Inventory{})
	want := map[string]float64{"pods TxnCreate": 16, "pods TxnConflict": 1, "pods get": 4, "pods list": 2, "pods key": 1}
	assert.Equal(t, want, counts(streams))
	assert.Contains(t, fmt.Sprint(warnings), `operation "odd"`)
	for _, s := range streams {
		switch s.Name {
		case "pods TxnCreate":
			assert.Equal(t, 2000, s.Op.Value, "the pages' own mean")
		case "pods list":
			assert.Equal(t, 20000, s.Op.Value)
		}
	}
	// An APPLY that creates is an update there.
	before = pageOf(post(1), requestLine("APPLY", "", "pods", "", "201", "", 0))
	after = pageOf(post(1), requestLine("APPLY", "", "pods", "", "201", "", 5), line(metricEtcd, "update", "pods", 6))
	streams, _ = churn(t, before, after).Streams(Storage{}, Inventory{})
	assert.Equal(t, map[string]float64{"pods TxnCreate": 5, "pods TxnConflict": 1}, counts(streams))
	// An inventory goes before the pages.
	i, err := Storage{}.Inventory(PodRunning())
	require.NoError(t, err)
	streams, _ = churn(t, before, after).Streams(Storage{}, i)
	op, err := Create(PodRunning())
	require.NoError(t, err)
	assert.Equal(t, op, streams[0].Op)
}

// Two servers on one page, and the same two one by one, give the same.
func TestChurnOfSeveralServers(t *testing.T) {
	labelled := func(line, instance string) string {
		return strings.Replace(line, "{", `{instance="`+instance+`",job="apiserver",`, 1)
	}
	a0, a1 := requestLine("PUT", "", "nodes", "", "200", "", 10), requestLine("PUT", "", "nodes", "", "200", "", 30)
	b0, b1 := requestLine("PUT", "", "nodes", "", "200", "", 1000), requestLine("PUT", "", "nodes", "", "200", "", 1007)
	together := churn(t, pageOf(labelled(a0, "a"), labelled(b0, "b")), pageOf(labelled(a1, "a"), labelled(b1, "b")))
	apart := churn(t, pageOf(a0), pageOf(a1)).Plus(churn(t, pageOf(b0), pageOf(b1)))
	assert.Equal(t, 2, together.Servers)
	assert.Equal(t, together, apart)
	require.Len(t, together.Requests, 1)
	assert.InDelta(t, 2.7, together.Requests[0].Rate, 1e-9)
}

func TestBadChurn(t *testing.T) {
	good := pageOf(requestLine("PUT", "", "nodes", "", "200", "", 10))
	of := func(instance string) string { return strings.Replace(good, "{", `{instance="`+instance+`",`, 1) }
	for _, c := range []struct {
		want, before, after string
		between             time.Duration
	}{
		{"between is -1s", good, good, -time.Second},
		{"without timestamps, want the time between the pages", good, good, 0},
		{"apiserver_request_total is missing", "up 1\n", "up 1\n", time.Second},
		{"want two pages of one process", good, pageOf(requestLine("PUT", "", "nodes", "", "200", "", 9)), time.Second},
		{"want two pages of one process", good, pageOf(requestLine("PUT", "", "pods", "", "200", "", 9)), time.Second},
		{"want two pages of it", of("a"), of("b"), time.Second},
		{"metrics page 2: empty", good, "", time.Second},
	} {
		_, err := ChurnFromMetrics(strings.NewReader(c.before), strings.NewReader(c.after), c.between)
		require.ErrorIs(t, err, ErrMetrics, c.want)
		assert.ErrorContains(t, err, "kubeops: ")
		assert.ErrorContains(t, err, c.want)
	}
}

// FuzzChurn holds that no pages make a panic, a negative rate, or a load that etcdmodel refuses for
// anything but its size.
func FuzzChurn(f *testing.F) {
	page := func(n int) string { return pageOf(requestLine("POST", "", "pods", "", "201", "", n)) }
	f.Add(page(1), page(3))
	f.Add("apiserver_request_total 1", `{"status":"success"}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		c, err := ChurnFromMetrics(strings.NewReader(before), strings.NewReader(after), time.Second)
		if err != nil {
			return
		}
		streams, _ := c.Streams(Storage{}, Inventory{})
		for _, s := range streams {
			assert.Positive(t, s.Rate)
			assert.GreaterOrEqual(t, s.Op.Value, 0)
		}
	})
}
