package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// report answers the first two questions: will it hold, and when is the db full.
func report(w io.Writer, c etcdmodel.Cluster, l etcdmodel.Load, p etcdmodel.Prediction) {
	fmt.Fprintf(w, "etcd %v, %d members on %s, quota %d MiB\n\n", c.Version, c.Members, c.Disks[0].Name, c.Quota>>20)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\twrites/s\tWAL B a write\tdb B a write\tdb MB/h\t")
	for _, s := range l.Streams {
		fmt.Fprintf(
			t, "%s\t%.1f\t%.0f\t%.0f\t%.0f\t\n", s.Name, s.Rate, s.Op.WALBytes(c.Version, p.OpsPerFsync),
			s.Op.DBBytes(c.Version), s.Rate*s.Op.DBBytes(c.Version)*3600/1e6,
		)
	}
	t.Flush()

	offered := rateOf(l)
	verdict := "holds"
	if !p.Holds {
		verdict = "does not hold"
	}
	fmt.Fprintf(
		w, "\nWill it hold?  It %s: %.0f writes/s are offered, %.0f can be sustained (%v).\n", verdict, offered,
		p.Sustainable, p.Bound,
	)
	for _, reason := range p.Reasons {
		fmt.Fprintf(w, "  because %v\n", reason)
	}
	fmt.Fprintf(w, "  commit latency p50 %v, p99 %v, p99.9 %v; fsync p99 %v; %.1f writes per fsync\n",
		short(p.Commit.P50), short(p.Commit.P99), short(p.Commit.P999), short(p.Fsync.P99), p.OpsPerFsync)
	fmt.Fprintf(w, "  heartbeats late %.2f/s, elections %.2f/h\n", p.HeartbeatsLate, p.Elections)
	fmt.Fprintf(w, "\nWhen is the db full?  %s\n", whenFull(c, p))
	if p.Compaction.Revisions > 0 {
		fmt.Fprintf(w, "  a compaction scans %d revisions in %v, commit p99 %v meanwhile; "+
			"a defragmentation blocks a member for %v to %v\n",
			p.Compaction.Revisions, short(p.Compaction.Duration), short(p.Compaction.Commit.P99), short(p.Defrag.Least),
			short(p.Defrag.Most))
	}
	if p.DB.NoSpace != "" {
		fmt.Fprintf(w, "  %s\n", p.DB.NoSpace)
	}
	for _, warning := range p.Warnings {
		fmt.Fprintf(w, "  warning: %v\n", warning)
	}
}

func whenFull(c etcdmodel.Cluster, p etcdmodel.Prediction) string {
	if p.DB.QuotaIn >= 0 {
		return fmt.Sprintf("In %v: it grows by %.0f MB an hour.", p.DB.QuotaIn.Round(time.Minute), p.DB.Growth*3600/1e6)
	}
	return fmt.Sprintf(
		"Never: it levels off at %.0f MB, %.0f %% of the quota.", float64(p.DB.Plateau)/1e6,
		100*float64(p.DB.Plateau)/float64(c.Quota),
	)
}

// tableOfKnobs answers the third question.
func tableOfKnobs(w io.Writer, now etcdmodel.Prediction, knobs []knob) {
	fmt.Fprintln(w, "\nWhich knob helps most?")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tholds\tp50\tp99\tsustains/s\tlate heartbeats/s\tdb MB\tfull in\t")
	line := func(name string, p etcdmodel.Prediction) {
		db, full := "-", "never"
		if p.DB.Plateau >= 0 {
			db = fmt.Sprintf("%.0f", float64(p.DB.Plateau)/1e6)
		}
		if p.DB.QuotaIn >= 0 {
			full = p.DB.QuotaIn.Round(time.Minute).String()
		}
		fmt.Fprintf(
			t, "%s\t%s\t%v\t%v\t%.0f\t%.2f\t%s\t%s\t\n", name, map[bool]string{true: "yes", false: "no"}[p.Holds],
			short(p.Commit.P50), short(p.Commit.P99), p.Sustainable, p.HeartbeatsLate, db, full,
		)
	}
	line("as it is", now)
	for _, k := range knobs {
		line(k.name, k.prediction)
	}
	t.Flush()
	if k := best(knobs, func(k knob) float64 {
		return -k.prediction.Commit.P99.Seconds()
	}); k != nil && k.prediction.Commit.P99.Seconds() < 0.9*now.Commit.P99.Seconds() {
		fmt.Fprintf(
			w, "\nFor latency: %s (p99 %v instead of %v).\n", k.name, short(k.prediction.Commit.P99),
			short(now.Commit.P99),
		)
	} else {
		fmt.Fprintln(w, "\nFor latency: none of these by a tenth or more.")
	}
	room := func(k knob) float64 { return roomOf(k.prediction) }
	if k := best(knobs, room); k != nil && room(*k) > 1.1*roomOf(now) {
		fmt.Fprintf(w, "For the db: %s (%s).\n", k.name, whenFull(k.cluster, k.prediction))
	} else {
		fmt.Fprintln(w, "For the db: none of these by a tenth or more.")
	}
}

// roomOf orders predictions by their db. The longer until the quota the better; never is better
// still, and then the smaller.
func roomOf(p etcdmodel.Prediction) float64 {
	if p.DB.QuotaIn >= 0 {
		return p.DB.QuotaIn.Hours()
	}
	return 1e18 / float64(max(p.DB.Plateau, 1))
}

// short rounds a duration to three digits, and says so where there is none.
func short(d time.Duration) fmt.Stringer {
	if d == etcdmodel.NoSample {
		return none{}
	}
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
}

// none is the latency of which nothing ended.
type none struct{}

func (none) String() string { return "none" }
