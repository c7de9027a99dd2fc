package retry

// ReplicaSetStep counts the controller's actions in one step, or in all.
type ReplicaSetStep struct {
	Creates       int // pods created
	Deletes       int // pods deleted
	Refusals      int // creations that the quota refused
	Errors        int // creations that failed otherwise
	StatusUpdates int // of the ReplicaSet
	QuotaUpdates  int // of the ResourceQuota's usage, by the API server and the quota controller
	EventCreates  int
	EventUpdates  int
}

// Writes returns the number of writes that reached etcd.
func (s ReplicaSetStep) Writes() int {
	return s.Creates + s.Deletes + s.StatusUpdates + s.QuotaUpdates + s.EventCreates + s.EventUpdates
}

func (s *ReplicaSetStep) add(b ReplicaSetStep) {
	s.Creates += b.Creates
	s.Deletes += b.Deletes
	s.Refusals += b.Refusals
	s.Errors += b.Errors
	s.StatusUpdates += b.StatusUpdates
	s.QuotaUpdates += b.QuotaUpdates
	s.EventCreates += b.EventCreates
	s.EventUpdates += b.EventUpdates
}
