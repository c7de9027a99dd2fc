package measure

import (
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

// scratchPrefix begins the name of a calibration's directory. It holds nothing but lockName.
const (
	scratchPrefix = "redline-proxy-"
	lockName      = "xtables.lock"
)

var scratchName = regexp.MustCompile(`^` + scratchPrefix + `[0-9]+$`)

// newScratch makes a directory of this calibration's own, and removes those of calibrations that
// were killed. done removes it.
func newScratch() (path string, done func(), err error) {
	sweep(os.TempDir())
	if path, err = os.MkdirTemp("", scratchPrefix); err != nil {
		return "", nil, err
	}
	dir, err := os.Open(path)
	if err == nil {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // until this process ends
	}
	if err != nil {
		_ = os.Remove(path)
		return "", nil, err
	}
	return path, func() {
		_ = os.RemoveAll(path)
		_ = dir.Close()
	}, nil
}

// sweep removes directories of that name in parent that hold at most the lock file and that no
// process has locked.
func sweep(parent string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		if path := filepath.Join(parent, e.Name()); e.IsDir() && scratchName.MatchString(e.Name()) {
			sweepOne(path)
		}
	}
}

func sweepOne(path string) {
	dir, err := os.Open(path)
	if err != nil {
		return
	}
	defer dir.Close()
	files, err := dir.ReadDir(-1)
	for _, f := range files {
		if f.Name() != lockName {
			return
		}
	}
	if err == nil && syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		_ = os.RemoveAll(path)
	}
}
