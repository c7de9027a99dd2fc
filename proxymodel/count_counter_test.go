package proxymodel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The counter equals Count of the present objects, whatever comes and goes.
func TestCounterIsCount(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, m := range modes {
		for _, v := range Modelled() {
			before, after := randomObjects(r, 12), randomObjects(r, 15)
			c, err := NewCounter(m, v, testNode, before.Services, before.Slices)
			require.NoError(t, err)
			require.Equal(t, mustCount(t, m, v, testNode, before), c.Rules())
			require.NoError(t, c.Replace(after))
			require.Equal(t, mustCount(t, m, v, testNode, after), c.Rules())
			for _, s := range after.Slices {
				require.NoError(t, c.Delete(s))
			}
			for _, s := range after.Services {
				require.NoError(t, c.Delete(s))
			}
			require.Equal(t, mustCount(t, m, v, testNode, Objects{}), c.Rules())
		}
	}
}

// The first sync writes the rules of Count, a sync without changes only the frame.
func TestSync(t *testing.T) {
	for _, m := range modes {
		o := uniform(20, 3)
		c, err := NewCounter(m, V1_37, testNode, o.Services, o.Slices)
		require.NoError(t, err)
		first, err := c.Sync(0)
		require.NoError(t, err)
		require.Equal(t, mustCount(t, m, V1_37, testNode, o), first)
		idle, err := c.Sync(time.Second)
		require.NoError(t, err)
		require.Equal(t, m == IPVS, idle.Full)
		require.Zero(t, idle.Chains["SEP"]+idle.Chains["service"])
		_, err = c.Sync(0)
		require.ErrorContains(t, err, "Sync at 0s, want no earlier than the last at 1s")
	}
}

// A partial sync after one endpoint was replaced writes its service's chains again, deletes the old
// endpoint's chain, and rewrites KUBE-SERVICES whole.
func TestPartial(t *testing.T) {
	before, after := uniform(4500, 1), uniform(4500, 1)
	after.Slices[7].Endpoints[0].Addresses = []string{"10.200.0.1"}
	r, err := Partial(IPTables, V1_37, testNode, before, after)
	require.NoError(t, err)
	require.False(t, r.Full)
	require.Equal(t, map[string]int{"SVC": 1, "SEP": 1}, r.Chains)
	require.Equal(t, 4501, r.NAT["KUBE-SERVICES"])
	require.Equal(t, 2, r.NAT["SVC"])
	require.Equal(t, 1, r.DeletedChains)
	full := mustCount(t, IPTables, V1_37, testNode, after)
	require.Less(t, 3*r.Bytes, full.Bytes)
	t.Logf("partial %d bytes, full %d", r.Bytes, full.Bytes)
}

// A sync that makes the cluster large leaves stale chains until a period has passed since the last
// cleanup.
func TestStaleChainsOfALargeCluster(t *testing.T) {
	o := uniform(1000, 1)
	c, err := NewCounter(IPTables, V1_37, testNode, o.Services, o.Slices)
	require.NoError(t, err)
	sync := func(at time.Duration) Rules {
		r, err := c.Sync(at)
		require.NoError(t, err)
		return r
	}
	sync(0)
	moved := sliceOf(o.Services[0], 5000, 2)
	require.NoError(t, c.Apply(moved))
	r := sync(time.Second)
	require.True(t, r.Large)
	require.Zero(t, r.DeletedChains)
	require.Equal(t, 1, sync(31*time.Second).DeletedChains)
	require.Zero(t, sync(32*time.Second).DeletedChains)
	require.False(t, sync(3*time.Hour).Full, "large clusters have no hourly full sync")
	require.NoError(t, c.Apply(o.Slices[0]))
	require.False(t, sync(4*time.Hour).Full, "as the last sync was large")
	require.True(t, sync(4*time.Hour+time.Second).Full)
}

// nftables empties a stale chain at once and deletes it a second later.
func TestStaleChainsOfNFTables(t *testing.T) {
	o := uniform(3, 2)
	c, err := NewCounter(NFTables, V1_37, testNode, o.Services, o.Slices)
	require.NoError(t, err)
	_, err = c.Sync(0)
	require.NoError(t, err)
	require.NoError(t, c.Delete(o.Services[0]))
	for _, want := range []struct {
		at               time.Duration
		flushed, deleted int
	}{{time.Second, 1, 0}, {1900 * time.Millisecond, 1, 0}, {3 * time.Second, 0, 1}, {4 * time.Second, 0, 0}} {
		r, err := c.Sync(want.at)
		require.NoError(t, err)
		require.Equal(t, []int{want.flushed, want.deleted}, []int{r.FlushedChains, r.DeletedChains}, "at %v", want.at)
	}
}

// A change that kube-proxy does not see is none: a service's label, or a change that is taken back.
// A change of zone is a full sync.
func TestWhatIsAChange(t *testing.T) {
	o := uniform(2, 1)
	c, err := NewCounter(IPTables, V1_37, testNode, o.Services, o.Slices)
	require.NoError(t, err)
	_, err = c.Sync(0)
	require.NoError(t, err)
	chains := func(at time.Duration) int {
		r, err := c.Sync(at)
		require.NoError(t, err)
		return r.Chains["SVC"]
	}
	labelled := o.Services[0].DeepCopy()
	labelled.Labels = map[string]string{"color": "red"}
	require.NoError(t, c.Apply(labelled))
	require.Zero(t, chains(1))
	sticky := labelled.DeepCopy()
	sticky.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	require.NoError(t, c.Apply(sticky))
	require.NoError(t, c.Apply(labelled))
	require.Zero(t, chains(2))
	require.NoError(t, c.Apply(sticky))
	require.Equal(t, 1, chains(3))
	slice := o.Slices[1].DeepCopy()
	slice.Labels["color"] = "red"
	require.NoError(t, c.Apply(slice), "of a slice kube-proxy compares everything")
	require.Equal(t, 1, chains(4))
	c.SetZone("zone-1")
	require.Equal(t, 2, chains(5))
}

// A service's slices survive it, and count again when it returns.
func TestServiceReturns(t *testing.T) {
	o := uniform(2, 2)
	c, err := NewCounter(NFTables, V1_37, testNode, o.Services, o.Slices)
	require.NoError(t, err)
	want := c.Rules()
	require.NoError(t, c.Delete(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns-000", Name: "svc-00000"}}))
	require.ErrorContains(t, c.Apply(o.Slices[0]), "belongs to Service ns-000/svc-00000, which is not given")
	require.NoError(t, c.Apply(o.Services[0]))
	require.Equal(t, want, c.Rules())
}

func TestCounterRefuses(t *testing.T) {
	o := uniform(2, 1)
	c, err := NewCounter(IPTables, V1_37, testNode, o.Services, o.Slices)
	require.NoError(t, err)
	want := c.Rules()
	stolen := o.Slices[0].DeepCopy()
	stolen.Labels[discoveryv1.LabelServiceName] = "svc-00050"
	bad := o.Services[1].DeepCopy()
	bad.Spec.Ports[0].Port = 70000
	other := clusterIP(50)
	require.NoError(t, c.Apply(other))
	require.NoError(t, c.Delete(other))
	for _, c := range []struct {
		err  error
		want string
	}{
		{c.Apply(nil), "Apply got <nil>"},
		{c.Apply((*corev1.Service)(nil)), "Apply got a nil Service"},
		{c.Apply((*discoveryv1.EndpointSlice)(nil)), "Apply got a nil EndpointSlice"},
		{c.Apply(&corev1.Pod{}), "Apply got *v1.Pod"},
		{c.Apply(bad), "Service ns-001/svc-00001: ports[0].port is 70000"},
		{c.Apply(stolen), "EndpointSlice ns-000/svc-00000-0 belongs to Service ns-000/svc-00050, which is not given"},
		{c.Delete(other), "Delete of Service ns-000/svc-00050, which is not there"},
		{c.Delete(sliceOf(other, 0, 1)), "Delete of EndpointSlice ns-000/svc-00050-0, which is not there"},
		{c.Delete((*corev1.Service)(nil)), "Delete got *v1.Service"},
		{c.Replace(Objects{Services: []*corev1.Service{bad}}), "ports[0].port is 70000"},
	} {
		require.ErrorContains(t, c.err, "proxymodel: ")
		require.ErrorContains(t, c.err, c.want)
	}
	require.Equal(t, want, c.Rules(), "nothing changed")
	require.NoError(t, c.Apply(other))
	require.ErrorContains(t, c.Apply(stolen),
		"belongs to Service ns-000/svc-00050, but did to ns-000/svc-00000: delete it first")
}

func ExampleCounter() {
	o := uniform(4500, 2) // the services and slices of a cluster
	c, err := NewCounter(IPTables, V1_37, Node{Name: "node-a"}, o.Services, o.Slices)
	if err != nil {
		fmt.Println(err)
		return
	}
	first, _ := c.Sync(0)
	changed := o.Slices[10].DeepCopy()
	changed.Endpoints = changed.Endpoints[:1]
	if err := c.Apply(changed); err != nil {
		fmt.Println(err)
		return
	}
	second, _ := c.Sync(time.Second)
	fmt.Println("first: ", first.Total(), "rules", first.Bytes, "bytes")
	fmt.Println("second:", second.Total(), "rules", second.Bytes, "bytes")
	// Output:
	// first:  31508 rules 3192060 bytes
	// second: 4511 rules 644747 bytes
}
