package cascade_test

import (
	"context"
	"fmt"
	"time"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
)

// slowDisk returns a cluster of 20 nodes. Its etcd's fsyncs take 4 s longer for five minutes.
func slowDisk() cascade.Scenario {
	return cascade.Scenario{Seed: 1, Nodes: 20, Length: 10 * time.Minute, Actions: []scenario.Action{
		{At: 2 * time.Minute, Do: scenario.Delay, For: 4 * time.Second},
		{At: 7 * time.Minute, Do: scenario.Delay},
	}}
}

// What happens while the disk is slow, and why?
func ExampleRun() {
	result, err := cascade.Run(context.Background(), slowDisk())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range result.Timeline[:3] {
		fmt.Printf("%v %s <- %s\n", event.At.Round(time.Second), event.Kind, event.Cause)
	}
	fmt.Println(result.Verdict.State, "and impaired for", result.Verdict.Impaired.Round(time.Second))
	// Output:
	// 2m0s disk slows down <- scenario
	// 2m8s liveness probe fails <- L3 etcd check -> /livez -> API server restart
	// 2m11s leader lease lost <- L4 leader lease lost -> exit -> crash loop
	// degraded and impaired for 5m10s
}

// Which of two changes would have prevented the outage?
func ExampleCompare() {
	changes := []cascade.Change{
		{Name: "five API servers", Apply: scenario.Edit(func(s *scenario.Scenario) { s.Servers = 5 })},
		{Name: "a disk a tenth as slow", Apply: scenario.Edit(func(s *scenario.Scenario) { s.Actions[0].For /= 10 })},
	}
	comparison, err := cascade.Compare(context.Background(), slowDisk(), changes...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("none:", comparison.Baseline.Outage.Round(time.Second))
	for _, row := range comparison.Rows {
		fmt.Printf("%s: %v\n", row.Change.Name, row)
	}
	// Output:
	// none: 5m9s
	// five API servers: lengthened by 5s (-6s to -4s)
	// a disk a tenth as slow: prevented
}

// Where does the control plane tip, over the disk's delay and the number of nodes?
func ExampleMap() {
	delay := cascade.Linear(scenario.ParamDelay, 0.25, 4, 16)
	nodes := cascade.Linear(scenario.ParamNodes, 50, 150, 3)
	phases, err := cascade.Map(context.Background(), cascade.Tipping(), delay, nodes)
	if err != nil {
		fmt.Println(err)
		return
	}
	for j, row := range phases.Cells {
		letters := "" // healthy ".", trapped after a worse spell "T", degraded "d"
		for _, cell := range row {
			letters += string(cell.Letter())
		}
		fmt.Printf("%.0f nodes: %s\n", nodes.Values[j], letters)
	}
	// Output:
	// 50 nodes: ...TTTdddddddddd
	// 100 nodes: ..TTTTTddddddddd
	// 150 nodes: ..TTTTTddddddddd
}
