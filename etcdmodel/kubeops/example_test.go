package kubeops_test

import (
	"fmt"

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
