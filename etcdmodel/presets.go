package etcdmodel

import "time"

// The presets are for a first answer before anything is measured: each cites where
// its knots come from. fio is `fio --rw=write --ioengine=sync --fdatasync=1
// --size=22m --bs=2300`, the recipe of the etcd documentation. The bandwidths are
// the class's usual sequential write speed and are assumed everywhere.

// NVMe returns a consumer NVMe drive under ext4 or XFS: about 2,700 fdatasyncs a second.
//
// Rate measured with fio, 4 KiB writes with fdatasync, depth 1: 2,215 to 4,265 a second for six of
// eleven drives, ADATA SX8200PNP 2,767, WD SN750 2,688
// (gist.github.com/anarazel/b527e5317bb7d58483a9858f5f2435ca, read 2026). Samsung 970/980 drives
// of that list do 446 to 802: measure yours. Tail assumed: p99 = 3 x, p99.9 = 10 x the median.
func NVMe() Disk {
	return Disk{
		Name: "NVMe",
		Fsync: []Quantile{{0, 250 * time.Microsecond}, {0.5, 340 * time.Microsecond}, {0.9, 450 * time.Microsecond},
			{0.99, 1020 * time.Microsecond}, {0.999, 3400 * time.Microsecond}, {1, 10 * time.Millisecond}},
		Size: fioBlock, Bandwidth: 1e9,
		Source: "rate measured (fio fdatasync, gist anarazel/b527e53); tail and bandwidth assumed",
	}
}

// SATASSD returns a SATA SSD: the fio output that the etcd fio recipe was published with (IBM
// Cloud blog, "Using fio to tell whether your storage is fast enough for etcd", April 2019). All
// knots are measured, 10,029 writes. That its unnamed device is a SATA SSD is assumed.
func SATASSD() Disk {
	us := time.Microsecond
	return Disk{
		Name: "SATA SSD",
		Fsync: []Quantile{{0, 534 * us}, {0.05, 578 * us}, {0.1, 594 * us}, {0.2, 627 * us}, {0.3, 709 * us},
			{0.4, 750 * us}, {0.5, 783 * us}, {0.6, 1549 * us}, {0.7, 1729 * us}, {0.8, 1991 * us}, {0.9, 2180 * us},
			{0.95, 2278 * us}, {0.99, 2376 * us}, {0.995, 9634 * us}, {0.999, 15795 * us}},
		Size: fioBlock, Bandwidth: 4e8,
		Source: "measured (fio, IBM Cloud blog, April 2019); device class and bandwidth assumed",
	}
}

// NetworkBlock returns a cloud network volume, AWS EBS gp3 at 3,000 IOPS on m6i.xlarge. fio
// measured min 327 us, mean 700 us, standard deviation 240 us, max 5,087 us, 1,105 writes/s
// (besthub.dev, "Why upgrading EBS volumes boosted etcd write performance"). The knots between are
// the log-normal of that mean and deviation: assumed. gp2 on the same machine: mean 1,423 us, p99
// 2,671 us.
func NetworkBlock() Disk {
	us := time.Microsecond
	return Disk{
		Name: "network block",
		Fsync: []Quantile{{0, 327 * us}, {0.1, 432 * us}, {0.5, 662 * us}, {0.9, 1014 * us}, {0.99, 1436 * us},
			{0.999, 1853 * us}, {1, 5087 * us}},
		Size: fioBlock, Bandwidth: 1.25e8,
		Source: "mean, deviation, min and max measured (fio, EBS gp3); shape and bandwidth assumed",
	}
}

// HDD7200 returns a 7,200 rpm disk behind a running etcd 3.3: the
// etcd_disk_wal_fsync_duration_seconds buckets of etcd-io/etcd issue 10273, 57,035 fsyncs, all
// knots measured. That it is a spinning disk is the maintainer's reading there.
func HDD7200() Disk {
	ms := time.Millisecond
	return Disk{
		Name: "7,200 rpm",
		Fsync: []Quantile{{0, 8 * ms}, {0.00231, 16 * ms}, {0.83449, 32 * ms}, {0.98918, 64 * ms},
			{0.99989, 128 * ms}, {0.99996, 256 * ms}, {1, 8192 * ms}},
		Size: fioBlock, Bandwidth: 1.2e8,
		Source: "measured (fsync histogram, etcd issue 10273, n = 57,035); device class and bandwidth assumed",
	}
}

// Presets returns the four presets, fastest first.
func Presets() []Disk { return []Disk{NVMe(), NetworkBlock(), SATASSD(), HDD7200()} }
