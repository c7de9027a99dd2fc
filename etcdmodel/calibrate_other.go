//go:build !linux && !js

package etcdmodel

import "os"

// datasync is the file's Sync: fdatasync is Linux's.
func datasync(f *os.File) error { return f.Sync() }

// allocate sets the size.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }
