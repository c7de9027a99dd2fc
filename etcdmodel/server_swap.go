package etcdmodel

// SwapDisk is like [Server.SetDisk], but the fdatasync under way moves to the new disk, too: it
// lasts as if it had begun there. One that has lasted for longer ends at once.
//
// Use it at the end of a block (a throttle, a suspended volume): what waits in a device's queue
// then goes through. It is what the delaying file system of validation/etcd/slowdisk does on Swap.
// Use SetDisk where a request keeps the time that it was given, as with a delay inside the device.
func (s *Server) SwapDisk(member int, d Disk) error {
	if err := s.SetDisk(member, d); err != nil {
		return err
	}
	e, m := s.e, &s.e.members[member]
	if m.busy {
		bytes := e.hardState
		for x := m.stable + 1; x <= min(m.saving, m.last); x++ {
			bytes += int64(e.entry(x).bytes)
		}
		*e.timer(member, timerLoop) = max(e.now, m.began+m.disk.save(bytes))
	}
	if m.committing && m.compact.left == 0 {
		first := m.disk.half()
		end := max(e.now, m.flushBegan+first)
		*e.timer(member, timerApply) = max(end, m.flushBegan+first+m.disk.half())
	}
	e.soonest = 0
	return nil
}

// SwapDisks swaps the disk of every member.
func (s *Server) SwapDisks(d Disk) error {
	for i := range s.engine().members {
		if err := s.SwapDisk(i, d); err != nil {
			return err
		}
	}
	return nil
}
