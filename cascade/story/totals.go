package story

import "time"

// Totals are counts over the whole run. Times since the start are negative for what never
// happened.
type Totals struct {
	Writes, Proposals, Wasted        int // that landed; that committed; of which changed nothing
	LeasesLanded, LeasesAsked        int
	LeasesFailed                     int // PUTs that ended with an error, a conflict or not at all
	PeakNotReady, PeakPending        int
	FirstNotReady                    time.Duration // since the start
	Attempts, Patches, Events, Bound int           // of the scheduler
	ScaleTook                        time.Duration // the longest from a scale command until the replicas were set
	ScaleAcked                       time.Duration // until kubectl said so; zero: never
	ScaleFailed                      int           // kubectl commands that ended with an error
	EventsPerMinute                  float64       // the most in one minute, by the scheduler
	PodsCreated, PodsRefused         int
	Evictions                        int
	LeaderLosses, ServerKills        int
	FirstLeaderLoss, FirstKill       time.Duration // since the start
	ReadTimeouts                     int
	PLEGFails                        int // times that a kubelet found its runtime's last relist too old
	DBGrowth                         int // bytes of revisions written
	WALFsyncs, BackendCommits        int
	LeaseP50, LeaseP99               time.Duration // of PUTs while the disk was slow
	CommitP99                        time.Duration // of etcd writes over the whole run
	MinEndpoints                     int
	Crashes                          int           // of the workload's containers
	Creating                         time.Duration // the longest that a bound pod was ContainerCreating
	WorstErrors                      float64       // largest share of user requests that failed, over a point of the grid
	ErrorSeconds                     float64       // user requests that failed, as seconds of all of them failing
	ProxySync, ProxyStaleness        time.Duration
	ProxySyncs                       int           // of each node's kube-proxy for the workload's endpoints
	DB                               int64         // bytes of etcd's db file at the end
	NoSpace                          time.Duration // when etcd's quota was reached, since the start
	Term                             int           // etcd's elections since the start
}
