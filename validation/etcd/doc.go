// Package etcd holds no code. Its tests run real etcd, on disks that are slowed down, beside
// [etcdmodel].
//
//	go test .                     # 3.6, the short grid, about four minutes
//	REDLINE_LONG=1 go test .      # the long grid
//	go test -modfile=go35.mod .   # the same against 3.5; go37.mod: 3.7
//	REDLINE_DOCS=1 go test .      # and write the tables into ../RESULTS/etcdmodel.md
//
// In one run the disk is calibrated, the model predicts, the same load is put on etcd, and the two
// are compared. The grids have points that no coefficient was fitted to. The errors are asserted.
package etcd
