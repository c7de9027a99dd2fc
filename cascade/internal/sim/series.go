package sim

// The series.
const (
	qWrites = iota
	qProposals
	qWasted
	qRenewals
	qNotReady
	qPending
	qEndpoints
	qLeading
	qAttempts
	qEvents
	qFsyncs
	qDB
	qErrors
	qDead
	qSlices
	qCreating
	qFile
	quantities
)

// quantityNames are the name and the unit of each series. A unit of 1/s makes it a rate.
var quantityNames = [quantities][2]string{
	qWrites:    {"etcd writes", "1/s"},
	qProposals: {"etcd proposals", "1/s"},
	qWasted:    {"wasted proposals", "1/s"},
	qRenewals:  {"lease renewals", "1/s"},
	qNotReady:  {"nodes NotReady", ""},
	qPending:   {"pods pending", ""},
	qEndpoints: {"endpoints ready", ""},
	qLeading:   {"leaders leading", ""},
	qAttempts:  {"scheduling attempts", "1/s"},
	qEvents:    {"scheduler's Event writes", "1/s"},
	qFsyncs:    {"WAL fsyncs", "1/s"},
	qDB:        {"revisions written", "B"},
	qErrors:    {"users' requests failing", "share"},
	qDead:      {"dead endpoints in the rules", ""},
	qSlices:    {"EndpointSlice updates", "1/s"},
	qCreating:  {"pods bound and not serving", ""},
	qFile:      {"etcd db file", "B"},
}

// grid takes a point of every series and judges the cluster's state.
func (rc *recorder) grid() {
	dt := rc.s.Grid.Seconds()
	leading := 0
	for i := range rc.electors.list {
		if rc.electors.list[i].leading {
			leading++
		}
	}
	endpoints := min(rc.endpoints.writers[0].posted, rc.pods.running)
	rc.judge(leading, endpoints)
	if !rc.on {
		return
	}
	point := [quantities]float64{
		qNotReady: float64(rc.life.notReady), qPending: float64(rc.pods.pending), qEndpoints: float64(endpoints),
		qLeading: float64(leading), qDB: float64(rc.dbBytes), qErrors: rc.errors,
		qDead: rc.dead, qCreating: float64(rc.pods.idle), qFile: float64(rc.etcd.server.DB().Total),
	}
	fsyncs, _ := rc.etcd.server.Counted()
	for q, total := range [quantities]int{
		qWrites: rc.writes, qProposals: rc.committed, qWasted: rc.committed - rc.writes, qRenewals: rc.wroteBy[forLease],
		qAttempts: rc.attempts, qEvents: rc.events, qSlices: rc.wroteBy[forSlice], qFsyncs: int(rc.calm.fsyncs) + fsyncs,
	} {
		if quantityNames[q][1] == "1/s" {
			point[q] = (float64(total) - rc.last[q]) / dt
			rc.last[q] = float64(total)
		}
	}
	for q := range point {
		rc.series[q] = append(rc.series[q], point[q])
	}
}
