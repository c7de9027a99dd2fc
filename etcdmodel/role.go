package etcdmodel

// role says how a stream changes the set of keys.
type role int

const (
	bystander role = iota // writes no key
	updates               // writes its Keys over and over
	creates               // writes a new key every time, which lives until another stream deletes it
	expires               // writes a new key every time, which goes with its lease after TTL
	removes               // deletes keys
)

func (s Stream) role() role {
	switch s.Op.Kind {
	case Delete, TxnDelete, LeaseRevoke:
		if s.Op.revisions() > 0 {
			return removes
		}
		return bystander
	}
	switch {
	case s.Op.revisions() == 0:
		return bystander
	case s.Keys > 0:
		return updates
	case s.TTL > 0:
		return expires
	}
	return creates
}

// Keys are deleted out of one of two groups.
const (
	unleased = iota // also what lives at the start, and everything where the load has not both sides of leased
	leased          // keys of creates with Op.Lease, deleted by the LeaseRevokes
	groups
)

// cast is a stream's role and its group.
type cast struct {
	role  role
	group int
}

// castOf gives every stream its role. Where keys expire, the revokes that take them away are
// counted with them, and a stream of revokes deletes nothing more.
func castOf(streams []Stream) []cast {
	out := make([]cast, len(streams))
	var creating, expiring, revoking bool
	for i, s := range streams {
		out[i].role = s.role()
		creating = creating || out[i].role == creates && s.Op.Lease
		expiring = expiring || out[i].role == expires
		revoking = revoking || out[i].role == removes && s.Op.Kind == LeaseRevoke
	}
	for i, s := range streams {
		switch {
		case out[i].role == removes && s.Op.Kind == LeaseRevoke:
			if creating {
				out[i].group = leased
			} else if expiring {
				out[i].role = bystander
			}
		case out[i].role == creates && s.Op.Lease && revoking:
			out[i].group = leased
		}
	}
	return out
}

// grave returns the tombstone of a key that its lease's end deletes.
func (s Stream) grave(v Version) float64 { return Op{Kind: Delete, Key: s.Op.Key}.DBBytes(v) }

// perRevision returns the bytes of one revision of the stream.
func (s Stream) perRevision(v Version) float64 {
	if n := s.Op.revisions(); n > 0 {
		return s.Op.DBBytes(v) / float64(n)
	}
	return 0
}
