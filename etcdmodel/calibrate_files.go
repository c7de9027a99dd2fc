//go:build !js

package etcdmodel

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
)

// scratch is the two files that a calibration writes. Nothing of them is left when their process
// ends, however it ends, where the system lets an open file have no name. Elsewhere, and in the
// instant before the name is taken away, a killed process leaves a directory for the next to
// remove.
type scratch struct {
	wal, db *os.File
	dir     *os.File // locked while its owner lives; nil if the files never had names
}

// The names of a calibration's own directory and of what is in it.
const scratchPrefix = "etcdmodel-calibrate-"

var (
	scratchName  = regexp.MustCompile(`^` + scratchPrefix + `[0-9]+$`)
	scratchFiles = map[string]bool{"wal": true, "db": true}
)

// newScratch makes the files in dir, with their blocks reserved.
func newScratch(dir string) (*scratch, error) {
	s := &scratch{}
	err := s.open(dir)
	if err == nil {
		err = errors.Join(allocate(s.wal, segmentBytes), allocate(s.db, dbBytes))
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *scratch) open(dir string) (err error) {
	if s.wal, err = unnamed(dir); err == nil {
		s.db, err = unnamed(dir)
		return err
	}
	if !errors.Is(err, errNamed) {
		return err
	}
	return s.openNamed(dir)
}

// errNamed is returned by unnamed where a file needs a name.
var errNamed = errors.New("files here need a name")

// openNamed makes files with names, and takes the names away at once where the system can.
func (s *scratch) openNamed(dir string) error {
	own, err := os.MkdirTemp(dir, scratchPrefix)
	if err != nil {
		return err
	}
	if s.dir, err = os.Open(own); err != nil {
		return errors.Join(err, os.Remove(own))
	}
	if err := lock(s.dir); err != nil {
		return err
	}
	for name, file := range map[string]**os.File{"wal": &s.wal, "db": &s.db} {
		if *file, err = os.OpenFile(filepath.Join(own, name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
			return err
		}
	}
	if keepNames {
		return nil
	}
	return errors.Join(removeScratch(own), s.dir.Close())
}

// keepNames makes a calibration keep its files' names until its end, as systems do on which an
// open file cannot be removed. Tests set it, too.
var keepNames = !canUnlinkOpen

// close removes what has a name. It can be called of a scratch that is half made.
func (s *scratch) close() error {
	var failed error
	for _, f := range []*os.File{s.wal, s.db} {
		if f != nil {
			failed = errors.Join(failed, f.Close())
		}
	}
	if s.dir == nil {
		return failed
	}
	failed = errors.Join(failed, removeScratch(s.dir.Name()))
	if err := s.dir.Close(); !errors.Is(err, os.ErrClosed) {
		failed = errors.Join(failed, err)
	}
	return failed
}

// removeScratch removes a calibration's directory and its files; what is gone already is no error.
func removeScratch(dir string) error {
	var failed error
	for name := range scratchFiles {
		failed = errors.Join(failed, missingIsFine(os.Remove(filepath.Join(dir, name))))
	}
	return errors.Join(failed, missingIsFine(os.Remove(dir)))
}

func missingIsFine(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// sweep removes the directories in dir that calibrations left behind which were killed. It touches
// only what has their name, holds nothing but their files, and has no living owner. It reports no
// error: what cannot be removed is somebody else's.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() && scratchName.MatchString(e.Name()) {
			sweepOne(filepath.Join(dir, e.Name()))
		}
	}
}

func sweepOne(dir string) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, f := range files {
		if !scratchFiles[f.Name()] || !f.Type().IsRegular() {
			return
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	if !ownerIsDead(d) {
		return
	}
	_ = removeScratch(dir) // what another sweep has removed meanwhile is gone
}
