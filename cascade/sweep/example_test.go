package sweep_test

import (
	"context"
	"fmt"
	"time"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/sweep"
)

// A disk is slow for three minutes, by 0 to 6 s. How often does the control plane not mind?
func ExampleRun() {
	slow := cascade.Scenario{Nodes: 20, Length: 6 * time.Minute, Actions: []scenario.Action{
		{At: time.Minute, Do: scenario.Delay, For: time.Second},
		{At: 4 * time.Minute, Do: scenario.Delay},
	}}
	plan := sweep.Plan{
		Scenario: slow, Runs: 100, Ranges: []sweep.Range{{Parameter: scenario.ParamDelay, Low: 0, High: 6}},
	}
	tally, err := sweep.Run(context.Background(), plan, sweep.Shard{}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, state := range sweep.States {
		fmt.Println(tally.States[i], state)
	}
	// Output:
	// 11 healthy
	// 89 degraded
	// 0 metastable
}
