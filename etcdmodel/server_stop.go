package etcdmodel

import "fmt"

// Stop ends a member's process at once, as kill -9 or a lost node does. Requests of its clients end
// as [Unavailable], though what it had handed to the others may still commit. If it led, the others
// elect a new leader once an election timeout has passed. Without a quorum writes wait, and time
// out. Stopping a stopped member changes nothing.
func (s *Server) Stop(member int) error {
	if err := s.checkMember(member); err != nil {
		return err
	}
	if !s.e.members[member].down {
		s.e.stop(member)
	}
	return nil
}

// Start starts a stopped member again. It serves at once: add the time that its process takes to
// open the db. It lacks what was written meanwhile. The leader sends that as entries of the log. It
// sends the whole db if its log no longer has them: then the member is more than 5,000 entries
// behind the leader's last snapshot, of every [Cluster.SnapshotCount] entries in 3.5 and of every
// 100 since. That takes the file's bytes over [Cluster.Network] and the member's disk.
// [Server.Behind] tells how far it has come. Starting a running member changes nothing.
func (s *Server) Start(member int) error {
	if err := s.checkMember(member); err != nil {
		return err
	}
	if s.e.members[member].down {
		s.e.start(member)
	}
	return nil
}

// Running reports whether a member runs.
func (s *Server) Running(member int) bool {
	return s.checkMember(member) == nil && !s.e.members[member].down
}

// Behind returns the number of entries that a member lacks of those that the most advanced member
// has applied. snapshot says that a snapshot is on its way to it. It returns zero for a member that
// does not exist.
func (s *Server) Behind(member int) (entries int, snapshot bool) {
	if s.checkMember(member) != nil {
		return 0, false
	}
	newest := int64(0)
	for i := range s.e.members {
		newest = max(newest, s.e.members[i].applied)
	}
	m := &s.e.members[member]
	return int(newest - m.applied), m.snapshotAt != never
}

func (s *Server) checkMember(member int) error {
	if n := len(s.engine().members); member < 0 || member >= n {
		return bad("member", member, fmt.Sprintf("0 to %d", n-1))
	}
	return nil
}
