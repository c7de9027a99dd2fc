// Command runner plays changes to the BoundedFrequencyRunner of kube-proxy
// v1.29.2, as ../../proxycost does to that of v1.37.2, which starts it.
// Arguments are the lengths of a sync, of the minimum interval and of the run,
// and then when changes come, all in nanoseconds. It prints what came when: a
// line "start" or "end" of a sync, or "change", and the nanoseconds since.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"k8s.io/kubernetes/pkg/util/async"
)

func main() {
	var args []time.Duration
	for _, a := range os.Args[1:] {
		ns, err := strconv.ParseInt(a, 10, 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, "runner:", err)
			os.Exit(2)
		}
		args = append(args, time.Duration(ns))
	}
	if len(args) < 3 {
		fmt.Fprintln(os.Stderr, "runner: wants sync, interval, run and changes")
		os.Exit(2)
	}
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
		time.Sleep(args[0])
		log("end")
	}, args[1], time.Hour, 2)
	stop := make(chan struct{})
	go r.Loop(stop)
	for _, at := range args[3:] {
		time.Sleep(at - time.Since(begin))
		log("change")
		r.Run()
	}
	time.Sleep(args[2] - time.Since(begin))
	close(stop)
}
