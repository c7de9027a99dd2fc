// Package kube names the releases of Kubernetes whose behaviour the models follow.
//
// One [Version] serves every model of Kubernetes. A model lists the releases it follows in its
// Modelled function, oldest first, and resolves what a caller passes with [Version.In]:
//
//	v, err := kube.Parse("v1.29.4")
//	v, err = v.In("retry: Version", retry.Modelled()) // v1.29: it holds from v1.29.0 on
//
// etcd's releases are [etcdmodel.Version].
//
// [etcdmodel.Version]: https://pkg.go.dev/github.com/redline-go/redline/etcdmodel#Version
package kube

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version is a minor and a patch release of Kubernetes 1. Versions compare with == and <. In a
// list of modelled releases it names the behaviour from that patch on until the next entry of the
// same minor.
//
// Zero means the newest release that the model at hand follows.
type Version uint32

// The releases whose behaviour some model follows.
const (
	V1_29 Version = 29 << patchBits // the release of incident 8829
	V1_37 Version = 37 << patchBits // the release of the components in validation/
)

// patchBits is the width of the patch release in a Version.
const patchBits = 8

// Minor returns the minor release: 29 for v1.29.4.
func (v Version) Minor() int { return int(v >> patchBits) }

// Patch returns the patch release: 4 for v1.29.4.
func (v Version) Patch() int { return int(v & (1<<patchBits - 1)) }

// String returns the version as Kubernetes writes it: "v1.29", or "v1.29.4" unless the patch is
// 0. Zero is "newest".
func (v Version) String() string {
	switch {
	case v == 0:
		return "newest"
	case v.Patch() == 0:
		return fmt.Sprintf("v1.%d", v.Minor())
	}
	return fmt.Sprintf("v1.%d.%d", v.Minor(), v.Patch())
}

// Parse reads "1.29", "v1.29" and "v1.29.4". It ignores what follows a "-" or a "+", so that it
// reads what a node reports, such as "v1.29.4-gke.1043000" or "v1.29.4+k3s1".
func Parse(s string) (Version, error) {
	core, _, _ := strings.Cut(strings.TrimPrefix(s, "v"), "-")
	core, _, _ = strings.Cut(core, "+")
	parts := strings.Split(core, ".")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "1" {
		return 0, badVersion(s)
	}
	minor, err := strconv.ParseUint(parts[1], 10, 16)
	if err != nil || minor == 0 {
		return 0, badVersion(s)
	}
	patch := uint64(0)
	if len(parts) == 3 {
		if patch, err = strconv.ParseUint(parts[2], 10, patchBits); err != nil {
			return 0, badVersion(s)
		}
	}
	return Version(minor<<patchBits | patch), nil
}

func badVersion(s string) error {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return fmt.Errorf("kube: Version is %q, want one such as v1.29 or v1.29.4", s)
}

// In returns the entry of modelled, oldest first, whose behaviour v has: the newest for zero,
// else the last entry of v's minor that is not newer than v. A version without one is an error
// that names its neighbours and begins with field, the package and the field that held it.
func (v Version) In(field string, modelled []Version) (Version, error) {
	if v == 0 {
		return modelled[len(modelled)-1], nil
	}
	i, found := slices.BinarySearch(modelled, v)
	if found {
		return v, nil
	}
	if i > 0 && modelled[i-1].Minor() == v.Minor() {
		return modelled[i-1], nil
	}
	var neighbours []string
	for _, m := range modelled[max(0, i-1):min(i+1, len(modelled))] {
		neighbours = append(neighbours, m.String())
	}
	return 0, fmt.Errorf("%s is %v, want %s", field, v, strings.Join(neighbours, " or "))
}

// MarshalText writes the version as [Version.String] does, and zero as nothing.
func (v Version) MarshalText() ([]byte, error) {
	if v == 0 {
		return nil, nil
	}
	return []byte(v.String()), nil
}

// UnmarshalText reads what [Parse] reads; nothing is zero.
func (v *Version) UnmarshalText(text []byte) error {
	*v = 0
	if len(text) == 0 {
		return nil
	}
	parsed, err := Parse(string(text))
	*v = parsed
	return err
}
