// Package runner plays changes to the BoundedFrequencyRunner of kube-proxy v1.29.2, as
// ../../proxycost does to that of v1.37.2. ../../proxycost builds this test and runs it. It plays
// in virtual time, which only a test has.
package runner

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/kubernetes/pkg/util/async"
)

// TestPlay reads nanoseconds from standard input: the lengths of a sync, of the minimum interval
// and of the run, and then the times of changes. It prints each event: a line "start" or "end" of a
// sync, or "change", and the nanoseconds since the beginning.
func TestPlay(t *testing.T) {
	args := durations(t)
	if len(args) == 0 {
		t.Skip("../../proxycost runs it, with a play on standard input")
	}
	if len(args) < 3 {
		t.Fatalf("runner: %d numbers on standard input, want a sync, an interval, a run and changes", len(args))
	}
	synctest.Test(t, func(*testing.T) { play(args[0], args[1], args[2], args[3:]) })
}

func durations(t *testing.T) (out []time.Duration) {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		t.Fatalf("runner: %v", err)
	}
	for _, field := range strings.Fields(string(text)) {
		var ns int64
		if _, err := fmt.Sscan(field, &ns); err != nil {
			t.Fatalf("runner: %q: %v", field, err)
		}
		out = append(out, time.Duration(ns))
	}
	return out
}

func play(length, interval, run time.Duration, changes []time.Duration) {
	begin := time.Now()
	var mu sync.Mutex
	log := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, time.Since(begin).Nanoseconds())
	}
	// Two bursts, as in pkg/proxy/iptables/proxier.go of v1.29.2.
	r := async.NewBoundedFrequencyRunner("runner", func() {
		log("start")
		time.Sleep(length)
		log("end")
	}, interval, time.Hour, 2)
	stop := make(chan struct{})
	go r.Loop(stop)
	for _, at := range changes {
		time.Sleep(at - time.Since(begin))
		log("change")
		r.Run()
	}
	time.Sleep(run - time.Since(begin))
	close(stop)
}
