//go:build !linux && !js

package etcdmodel

import "os"

// datasync calls the file's Sync: fdatasync exists on Linux only.
func datasync(f *os.File) error { return f.Sync() }

// allocate sets the size.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }
