package retry

import "time"

// usage is a ResourceQuota's status as one writer keeps it: one update at a time, and
// what changes while one waits or is under way goes into the next.
type usage struct {
	begins, ends time.Duration // of the last update asked for
}

// change is a change of the usage at time `at`, with a writer whose updates take so long.
// It says whether an update more is written, and when that has landed.
func (u *usage) change(at, takes time.Duration) (time.Duration, bool) {
	switch {
	case at < u.begins: // one that has not begun will carry it
		return 0, false
	case at < u.ends:
		u.begins = u.ends
	default:
		u.begins = at
	}
	u.ends = u.begins + takes
	return u.ends, true
}
