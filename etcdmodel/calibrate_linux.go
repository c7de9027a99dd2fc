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

// canUnlinkOpen says that a file can lose its name while it is open.
const canUnlinkOpen = true

// oTmpfile is O_TMPFILE of every architecture that Go builds Linux programs for, which syscall
// leaves out (include/uapi/asm-generic/fcntl.h: __O_TMPFILE | O_DIRECTORY).
const oTmpfile = 0o20000000 | syscall.O_DIRECTORY

// unnamed opens a file on dir's file system that has no name and ends with its process (open(2),
// O_TMPFILE). It returns errNamed where the file system or the kernel has no such files.
func unnamed(dir string) (*os.File, error) {
	if keepNames {
		return nil, errNamed
	}
	f, err := os.OpenFile(dir, os.O_RDWR|oTmpfile, 0o600)
	for _, without := range []error{syscall.EOPNOTSUPP, syscall.EISDIR, syscall.ENOENT, syscall.EINVAL} {
		if errors.Is(err, without) {
			return nil, errNamed
		}
	}
	return f, err
}

// lock marks a directory as in use until it is closed or its process ends (flock(2)).
func lock(dir *os.File) error {
	err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) {
		return nil
	}
	return err
}

// ownerIsDead reports whether no process has the directory locked.
func ownerIsDead(dir *os.File) bool {
	return syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
