package etcdmodel_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// What does the disk of each member take, of the answer of Prometheus' /federate?
func ExampleDisksFromMetrics() {
	const page = `etcd_disk_wal_fsync_duration_seconds_bucket{instance="a",le="0.001"} 900
etcd_disk_wal_fsync_duration_seconds_bucket{instance="a",le="0.002"} 1000
etcd_disk_wal_fsync_duration_seconds_bucket{instance="a",le="+Inf"} 1000
etcd_disk_wal_fsync_duration_seconds_sum{instance="a"} 0.6
etcd_disk_wal_fsync_duration_seconds_bucket{instance="b",le="0.008"} 0
etcd_disk_wal_fsync_duration_seconds_bucket{instance="b",le="0.016"} 1000
etcd_disk_wal_fsync_duration_seconds_bucket{instance="b",le="+Inf"} 1000
etcd_disk_wal_fsync_duration_seconds_sum{instance="b"} 11
`
	disks, err := etcdmodel.DisksFromMetrics(strings.NewReader(page))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range disks {
		fmt.Printf("%s: %v\n", d.Member, d.Disk.FsyncMean().Round(100*time.Microsecond))
	}
	// Output:
	// a: 600µs
	// b: 11ms
}

// How full is a running etcd?
func ExampleStateFromMetrics() {
	const page = `etcd_server_version{server_version="3.6.16"} 1
etcd_mvcc_db_total_size_in_bytes 3.13e+08
etcd_mvcc_db_total_size_in_use_in_bytes 1.9e+08
etcd_server_quota_backend_bytes 2.147483648e+09
etcd_debugging_mvcc_keys_total 61000
`
	states, err := etcdmodel.StateFromMetrics(strings.NewReader(page))
	if err != nil {
		fmt.Println(err)
		return
	}
	s := states[0]
	fmt.Printf("etcd %v: %d of %d MB in use, %d keys, %.0f %% of the quota\n",
		s.Version, s.InUse/1e6, s.Total/1e6, s.Keys, 100*float64(s.Total)/float64(s.Quota))
	// Output:
	// etcd 3.6: 190 of 313 MB in use, 61000 keys, 15 % of the quota
}

// What did a running etcd do between two of its pages?
func ExampleLoadFromMetrics() {
	const page = `etcd_mvcc_put_total %d
etcd_mvcc_delete_total %d
etcd_server_proposals_committed_total %d
etcd_debugging_mvcc_keys_total 500
etcd_debugging_mvcc_total_put_size_in_bytes %d
`
	before := fmt.Sprintf(page, 1000, 400, 1400, 900_000)
	after := fmt.Sprintf(page, 7000, 2800, 9800, 6_300_000)
	load, err := etcdmodel.LoadFromMetrics(strings.NewReader(before), strings.NewReader(after), time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range load.Streams {
		fmt.Printf("%s: %.0f/s of %d bytes\n", s.Name, s.Rate, s.Op.Key+s.Op.Value)
	}
	// Output:
	// creates: 40/s of 900 bytes
	// updates: 60/s of 900 bytes
	// deletes: 40/s of 60 bytes
}

// What does etcd's own recipe for fio say of a disk?
func ExampleDiskFromFio() {
	report, err := os.Open("testdata/fio/recipe.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer report.Close()
	disk, err := etcdmodel.DiskFromFio(report)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(disk.Name, disk.FsyncQuantile(0.99).Round(100*time.Microsecond), disk.Size)
	// Output:
	// measured by fio-3.36 5.1ms 2300
}
