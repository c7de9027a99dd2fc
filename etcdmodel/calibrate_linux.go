package etcdmodel

import (
	"errors"
	"os"
	"syscall"
)

// datasync calls fdatasync, as etcd and bbolt do on Linux.
func datasync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// allocate reserves the blocks of a file as etcd does for a WAL segment (client/pkg
// fileutil/preallocate_unix.go). Where the file system cannot, it only sets the size.
func allocate(f *os.File, size int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) {
		return f.Truncate(size)
	}
	return err
}
