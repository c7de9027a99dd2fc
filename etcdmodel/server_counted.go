package etcdmodel

// Counted is what the leaders' disks have done since the start, whether during a step or on a Submit between two.
func (s *Server) Counted() (fsyncs, commits int) {
	return int(s.e.count.fsyncs), int(s.e.count.flushes)
}
