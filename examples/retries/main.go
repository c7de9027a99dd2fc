// Retries prints what the 450 unschedulable pods of incident 8829 write to the API
// server, minute by minute, under kube-scheduler v1.29 and v1.37, and plots it.
//
//	go run ./examples/retries            # the table
//	go run ./examples/retries -o plots   # and plots/{writes,attempts,bytes}.{svg,png}
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/scheduler/retry"
)

func main() {
	plots := flag.String("o", "", "directory for the plots; none without it")
	pods := flag.Int("pods", 450, "pods that fit nowhere")
	every := flag.Duration("every", 4*time.Second, "how often a bound pod is deleted, and then a node flaps")
	flag.Parse()
	if err := run(os.Stdout, *plots, *pods, *every); err != nil {
		fmt.Fprintln(os.Stderr, "retries:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, plots string, pods int, every time.Duration) error {
	if pods < 1 || every < 100*time.Millisecond {
		return fmt.Errorf("-pods is %d and -every %v, want at least 1 and 100ms", pods, every)
	}
	var stories []story
	for _, v := range []retry.Version{retry.V1_29, retry.V1_37} {
		s, err := tell(v, pods, every)
		if err != nil {
			return err
		}
		stories = append(stories, s)
	}
	printTable(out, stories, pods, every)
	if err := printSteady(out, pods, every); err != nil {
		return err
	}
	if plots == "" {
		fmt.Fprintln(out, "\nWith -o DIR, the same every ten seconds as pictures.")
		return nil
	}
	return drawPlots(out, plots, stories)
}

// act is one part of the story, and the time at which it begins.
type act struct {
	at          time.Duration
	name, short string
}

// acts are the story's parts. The report has the first and the last. The others would have to
// happen for its "thousands of Events".
var acts = []act{
	{0, "replicas 50 -> 500: 450 pods appear that fit nowhere", "50 -> 500"},
	{3 * time.Minute, "bound pods are deleted, again and again: each wakes the 450", "woken"},
	{6 * time.Minute, "and nodes flap, so that the scheduler's message changes", "and nodes flap"},
	{9 * time.Minute, "nodes and pods are quiet again", "quiet"},
	{13 * time.Minute, "the scheduler loses its lease and starts anew 15 s later", "restart"},
	{15 * time.Minute, "replicas 500 -> 50", "500 -> 50"},
}

const (
	end    = 17 * time.Minute
	sample = 10 * time.Second
)

// log returns the bytes that the i-th ten seconds add to etcd's log.
func (s story) log(i int) float64 {
	sizes := retry.MeasuredSizes()
	streams := append(s.made[i].Streams(sizes, sample), s.tried[i].Streams(sizes, sample)...)
	return retry.WAL(etcdmodel.V3_5, streams) * sample.Seconds()
}

// story holds the outcome of one version.
type story struct {
	version retry.Version
	made    []retry.ReplicaSetStep // every ten seconds
	tried   []retry.Step
	status  []retry.Status
	after   retry.Status // an hour and a bit after the end
}

// tell runs the story under a version.
func tell(v retry.Version, pods int, every time.Duration) (story, error) {
	w, err := retry.NewWorkload(v)
	if err != nil {
		return story{}, err
	}
	latency := 6 * time.Millisecond // of a healthy API server, measured
	for _, err := range []error{
		w.Queue.SetAPI(retry.API{Latency: latency}), w.ReplicaSet.SetAPI(retry.ReplicaSetAPI{Latency: latency}),
	} {
		if err != nil {
			return story{}, err
		}
	}
	s := story{version: v}
	var made retry.ReplicaSetStep
	var tried retry.Step
	message := 0
	next := acts[1].at
	for now := time.Duration(0); now < end; {
		switch now {
		case acts[0].at:
			w.ReplicaSet.Scale(pods)
		case acts[4].at:
			w.Queue.Stop()
		case acts[4].at + 15*time.Second:
			w.Queue.Start()
		case acts[5].at:
			w.ReplicaSet.Scale(0)
		}
		if now >= next && now < acts[3].at {
			if now >= acts[2].at {
				message++
				w.Queue.SetMessage(message, retry.ByFit|retry.ByTaint)
			}
			w.Queue.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted})
			next += every
		}
		now += time.Second / 10
		m, t := w.Advance(now)
		made, tried = sum(made, m), sumSteps(tried, t)
		if now%sample == 0 {
			s.made, s.tried, s.status = append(s.made, made), append(s.tried, tried), append(s.status, w.Queue.Status())
			made, tried = retry.ReplicaSetStep{}, retry.Step{}
		}
	}
	w.Queue.Advance(end + retry.DefaultEventTTL + 2*time.Minute)
	s.after = w.Queue.Status()
	return s, nil
}

func sum(a, b retry.ReplicaSetStep) retry.ReplicaSetStep {
	return retry.ReplicaSetStep{Creates: a.Creates + b.Creates, Deletes: a.Deletes + b.Deletes,
		StatusUpdates: a.StatusUpdates + b.StatusUpdates,
		EventCreates:  a.EventCreates + b.EventCreates, EventUpdates: a.EventUpdates + b.EventUpdates}
}

func sumSteps(a, b retry.Step) retry.Step {
	return retry.Step{Attempts: a.Attempts + b.Attempts, PodPatches: a.PodPatches + b.PodPatches,
		EventCreates: a.EventCreates + b.EventCreates, EventUpdates: a.EventUpdates + b.EventUpdates}
}
