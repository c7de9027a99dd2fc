//go:build !linux && !js

package etcdmodel

import (
	"os"
	"time"
)

// datasync calls the file's Sync: fdatasync exists on Linux only.
func datasync(f *os.File) error { return f.Sync() }

// allocate sets the size.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }

// canUnlinkOpen says that a file can lose its name while it is open: not on every system.
const canUnlinkOpen = false

// unnamed returns errNamed.
func unnamed(string) (*os.File, error) { return nil, errNamed }

// lock does nothing: an owner that lives writes its files.
func lock(*os.File) error { return nil }

// abandoned is the age at which a calibration's directory has no owner any more: a calibration ends
// within 16 s and the fdatasync under way.
const abandoned = 10 * time.Minute

// ownerIsDead reports whether the directory was made longer ago than a calibration takes.
func ownerIsDead(dir *os.File) bool {
	info, err := dir.Stat()
	return err == nil && time.Since(info.ModTime()) > abandoned
}
