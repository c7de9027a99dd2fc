package cascade

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/internal/sim"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/kube"
)

// The types of the questions and their answers. Packages [scenario] and [story] document them and
// hold what belongs to them: actions, parameters, changes, kinds of events, causes.
type (
	Scenario  = scenario.Scenario
	Parameter = scenario.Parameter
	Change    = scenario.Change
	Result    = story.Result
	Verdict   = story.Verdict
	Totals    = story.Totals
)

// Modelled returns the releases of Kubernetes that a scenario can name, oldest first.
func Modelled() []kube.Version { return scenario.Modelled() }

// Incident8829 returns the scenario of the incident report that Redline exists for. Package
// incident8829 has the report's claims and action items.
func Incident8829() Scenario { return incident8829.Scenario() }

// ReadScenario reads a scenario in YAML, as [scenario.Read] does.
func ReadScenario(r io.Reader) (Scenario, error) { return scenario.Read(r) }

// Run lets the scenario happen and returns what came of it. The result depends on the scenario
// alone: the same scenario gives the same bytes. An invalid field is an error that names it. A
// cancelled context ends the run early with the context's error.
func Run(ctx context.Context, s Scenario) (*Result, error) { return sim.Run(ctx, s) }

// Judge is like [Run] but returns the verdict and the totals alone, without timeline and series.
// Use it for sweeps.
func Judge(ctx context.Context, s Scenario) (Verdict, Totals, error) { return sim.Judge(ctx, s) }

// bad returns an error that names the field, its value and what is wanted.
func bad(field string, value any, want string) error {
	return fmt.Errorf("cascade: %s is %v, want %s", field, value, want)
}

func seconds(v float64) time.Duration { return time.Duration(math.Round(v * float64(time.Second))) }
