package etcdmodel

import (
	"fmt"
	"strings"
)

// Version is a minor release of etcd. Zero means [V3_6].
type Version int

// The releases that were measured: 3.5.35, 3.6.16 and 3.7.3.
const (
	V3_5 Version = iota + 1
	V3_6
	V3_7
)

// String is the release as people write it: "3.6".
func (v Version) String() string {
	switch v {
	case V3_5:
		return "3.5"
	case V3_6, 0:
		return "3.6"
	case V3_7:
		return "3.7"
	}
	return fmt.Sprintf("Version(%d)", int(v))
}

// ParseVersion reads "3.6", "v3.6" or a patch release such as "3.6.16".
func ParseVersion(s string) (Version, error) {
	for _, v := range []Version{V3_5, V3_6, V3_7} {
		rest, ok := strings.CutPrefix(strings.TrimPrefix(s, "v"), v.String())
		if ok && (rest == "" || rest[0] == '.') {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%w: Version is %q, want 3.5, 3.6 or 3.7", ErrInput, s)
}

func (v Version) orDefault() Version {
	if v == 0 {
		return V3_6
	}
	return v
}

func (v Version) check(field string) error {
	if v < 0 || v > V3_7 {
		return bad(field, v, "V3_5, V3_6 or V3_7")
	}
	return nil
}

// snapshotCount is the number of entries between two snapshots
// (server/etcdserver/server.go: DefaultSnapshotCount).
func (v Version) snapshotCount() int {
	if v == V3_5 {
		return 100_000
	}
	return 10_000
}
