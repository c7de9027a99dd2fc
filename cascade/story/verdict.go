package story

import "time"

// State is a verdict on a run.
type State string

// The states.
const (
	// Healthy means that leases were renewed, leaders led and nodes were Ready throughout.
	Healthy State = "healthy"
	// Degraded means not so, but for no longer than [Outlast] after the trigger was gone.
	Degraded State = "degraded"
	// Metastable means that renewals failed or nodes were NotReady for longer than that after the
	// trigger was gone.
	Metastable State = "metastable"
)

// Outlast says how long a cluster may stay down after its trigger is gone before that counts as
// metastable: one grace period.
const Outlast = 40 * time.Second

// Verdict says how the run ended. Times are zero where there is nothing to measure.
type Verdict struct {
	State     State
	Degraded  time.Duration // from the trigger to the first sign
	Recovered time.Duration // from the trigger's end to the last sign
	Down      time.Duration // in which renewals failed, nodes were NotReady or endpoints drained
	Impaired  time.Duration // in which a leader lease or an API server was lost, or Down
}
