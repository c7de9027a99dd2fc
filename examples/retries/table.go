package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/scheduler/retry"
)

// printTable prints a line a minute.
func printTable(out io.Writer, stories []story, pods int, every time.Duration) {
	fmt.Fprintf(
		out, "What %d pods that fit nowhere write, per minute (something happens every %v); kB: to etcd's log\n\n",
		pods, every,
	)
	fmt.Fprintf(out, "%-7s", "")
	for _, s := range stories {
		fmt.Fprintf(out, "| %-54v", s.version)
	}
	fmt.Fprintf(out, "\n%-7s", "minute")
	for range stories {
		fmt.Fprintf(out, "|%9s%9s%10s%10s%9s%7s ", "attempts", "created", "patches", "Events", "writes", "kB")
	}
	fmt.Fprintln(out)
	perMinute := int(time.Minute / sample)
	for i := 0; i < len(stories[0].tried); i += perMinute {
		at := time.Duration(i) * sample
		for _, a := range acts {
			if a.at == at {
				fmt.Fprintf(out, "-- %s\n", a.name)
			}
		}
		fmt.Fprintf(out, "%-7d", int(at.Minutes()))
		for _, s := range stories {
			m, t, bytes := s.minute(i, perMinute)
			fmt.Fprintf(out, "|%9d%9d%10d%10d%9d%7.0f ", t.Attempts, m.Creates-m.Deletes, t.PodPatches,
				t.EventCreates+t.EventUpdates+m.EventCreates+m.EventUpdates, m.Writes()+t.Writes(), bytes/1000)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out)
	for _, s := range stories {
		fmt.Fprintln(out, s.verdict(pods))
	}
	fmt.Fprintf(
		out,
		"The report's \"x450 over 12m\" is the fleet's, %d pods each tried once, not one pod's: etcd holds x2 of a\n",
		pods,
	)
	fmt.Fprintln(out, "pod's Event until it has been idle for six minutes or the half hour refreshes it.")
}

func (s story) minute(i, n int) (m retry.ReplicaSetStep, t retry.Step, bytes float64) {
	for j := i; j < min(i+n, len(s.tried)); j++ {
		m, t, bytes = sum(m, s.made[j]), sumSteps(t, s.tried[j]), bytes+s.log(j)
	}
	return m, t, bytes
}

// verdict sets the report's "FailedScheduling 3m (x450 over 12m)" beside the model: the
// attempts of the busiest twelve minutes, and what becomes of the Events.
func (s story) verdict(pods int) string {
	const window = int(12 * time.Minute / sample)
	most, live, created := 0, 0, 0
	for i := range s.tried {
		attempts := 0
		for j := i; j < min(i+window, len(s.tried)); j++ {
			attempts += s.tried[j].Attempts
		}
		most, live, created = max(most, attempts), max(live, s.status[i].LiveEvents), created+s.tried[i].EventCreates
	}
	return strings.Join([]string{
		fmt.Sprintf(
			"%v: in the busiest 12 minutes the fleet was tried %d times, one pod %.0f times;", s.version, most,
			float64(most)/float64(pods),
		),
		fmt.Sprintf(
			"  %d Events created, at most %d alive in etcd, an hour after the end %d (--event-ttl)", created, live,
			s.after.LiveEvents,
		),
	}, "\n")
}

// printSteady prints the same pressures in the long run.
func printSteady(out io.Writer, pods int, every time.Duration) error {
	fmt.Fprintln(out, "\nIn the long run, per second:")
	rate := 1 / every.Seconds()
	for _, x := range []struct {
		what string
		p    retry.Pressure
	}{
		{"left alone", retry.Pressure{Pods: pods}},
		{"woken", retry.Pressure{Pods: pods, Wakes: rate}},
		{"woken, message changes", retry.Pressure{Pods: pods, Wakes: rate, MessageChanges: rate}},
		{"the same, API answers in 1 s", retry.Pressure{Pods: pods, Wakes: rate, MessageChanges: rate, Latency: time.Second}},
	} {
		for _, v := range []retry.Version{retry.V1_29, retry.V1_37} {
			l, err := retry.Predict(v, x.p)
			if err != nil {
				return err
			}
			log := retry.WAL(etcdmodel.V3_5, l.Streams(retry.MeasuredSizes())) / 1000
			fmt.Fprintf(
				out, "  %-30s %v %8.1f attempts %6.1f writes %6.1f kB to etcd's log, limited by %s\n", x.what, v,
				l.Attempts, l.Writes(), log, l.Bound,
			)
		}
	}
	return nil
}
