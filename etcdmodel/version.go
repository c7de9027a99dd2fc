package etcdmodel

import (
	"cmp"
	"fmt"
	"strings"
)

// Version is a minor release of etcd. Zero means the newest modelled, [V3_7].
type Version int

// The releases that were measured: 3.5.35, 3.6.16 and 3.7.3.
const (
	V3_5 Version = iota + 1
	V3_6
	V3_7
)

// Modelled returns the releases that this package models, oldest first.
func Modelled() []Version { return []Version{V3_5, V3_6, V3_7} }

// String returns the release as people write it: "3.6". Zero is "newest".
func (v Version) String() string {
	switch v {
	case 0:
		return "newest"
	case V3_5:
		return "3.5"
	case V3_6:
		return "3.6"
	case V3_7:
		return "3.7"
	}
	return fmt.Sprintf("Version(%d)", int(v))
}

// ParseVersion reads "3.6", "v3.6" or a patch release such as "3.6.16".
func ParseVersion(s string) (Version, error) {
	for _, v := range Modelled() {
		rest, ok := strings.CutPrefix(strings.TrimPrefix(s, "v"), v.String())
		if ok && (rest == "" || rest[0] == '.') {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%w: Version is %q, want 3.5, 3.6 or 3.7", ErrInput, s)
}

// orDefault returns v, or the newest modelled release for zero.
func (v Version) orDefault() Version { return cmp.Or(v, V3_7) }

func (v Version) check(field string) error {
	if v < 0 || v > V3_7 {
		return bad(field, v, "V3_5, V3_6 or V3_7")
	}
	return nil
}

// snapshotCount returns the number of entries between two snapshots (server/etcdserver/server.go:
// DefaultSnapshotCount).
func (v Version) snapshotCount() int {
	if v == V3_5 {
		return 100_000
	}
	return 10_000
}
