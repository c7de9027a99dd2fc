package kubeops_test

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/etcdmodel/kubeops"
)

// What does one failed scheduling of a pod write?
func Example() {
	patch, err := kubeops.Update(kubeops.PodUnschedulable())
	if err != nil {
		fmt.Println(err)
		return
	}
	event, err := kubeops.Create(kubeops.FailedScheduling())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, op := range []etcdmodel.Op{patch, event} {
		fmt.Printf(
			"%v of %d bytes: %.0f bytes of WAL, %.0f bytes of db\n", op.Kind, op.Value, op.WALBytes(etcdmodel.V3_6, 1),
			op.DBBytes(etcdmodel.V3_6),
		)
	}
	// Output:
	// TxnUpdate of 2053 bytes: 2320 bytes of WAL, 4114 bytes of db
	// TxnCreate of 716 bytes: 976 bytes of WAL, 1033 bytes of db
}

// What does a custom resource take in etcd, if the cluster encrypts it?
func ExampleStorage() {
	widget := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Widget",
		"metadata": map[string]any{"name": "gear", "namespace": "shop"}, "spec": map[string]any{"teeth": 12},
	}}
	storage := kubeops.Storage{Encryption: map[string]kubeops.Encryption{
		"widgets.example.com": {Provider: kubeops.Secretbox, Key: "key1"},
	}}
	for _, s := range []kubeops.Storage{{}, storage} {
		op, err := s.Create(widget)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("a key of %d bytes, a value of %d\n", op.Key, op.Value)
	}
	// Output:
	// a key of 39 bytes, a value of 114
	// a key of 39 bytes, a value of 180
}

// How large is the db of this dump, and what takes most of it?
func ExampleStorage_Inventory() {
	inventory, err := kubeops.Storage{}.Inventory(
		kubeops.PodRunning(), kubeops.NodeStatus(50), kubeops.NodeLease(), kubeops.BackOff(),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range inventory.Rows {
		fmt.Printf("%-27s %d object, %5d bytes, %5.0f of db\n", r.Resource, r.Objects, r.ValueBytes, r.DBBytes)
	}
	fmt.Println(inventory.State().Keys, "keys,", inventory.State().InUse, "bytes in use")
	fmt.Println(inventory.Warnings[0])
	// Output:
	// nodes                       1 object, 10695 bytes, 12306 of db
	// pods                        1 object,  2957 bytes,  4114 of db
	// events                      1 object,   688 bytes,  1033 of db
	// leases.coordination.k8s.io  1 object,   525 bytes,   827 of db
	// 4 keys, 18280 bytes in use
	// kubeops: the dump has no configmaps (`kubectl get all` leaves them out): they are counted as none, not as unknown
}

// What do the API servers write, by their own metrics pages?
func ExampleChurnFromMetrics() {
	before := `apiserver_request_total{code="200",group="coordination.k8s.io",resource="leases",verb="PUT"} 1000
apiserver_request_total{code="201",group="",resource="events",verb="POST"} 10
`
	after := strings.NewReplacer("1000", "1600", " 10\n", " 310\n").Replace(before)
	churn, err := kubeops.ChurnFromMetrics(strings.NewReader(before), strings.NewReader(after), time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	streams, _ := churn.Streams(kubeops.Storage{}, kubeops.Inventory{})
	for _, s := range streams {
		fmt.Printf("%-37s %6.3f/s, %d bytes\n", s.Name, s.Rate, s.Op.Value)
	}
	// Output:
	// events TxnCreate                       5.000/s, 716 bytes
	// leases.coordination.k8s.io TxnUpdate  10.000/s, 525 bytes
	// leases of events                       0.017/s, 0 bytes
}
