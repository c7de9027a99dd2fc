// Command etcdserver is one real etcd member in a process of its own, of the version that the
// module file names.
//
//	go build -o etcd36 ./cmd/etcdserver                      # 3.6
//	go build -o etcd35 -modfile=go35.mod ./cmd/etcdserver    # 3.5
//	./etcd35 -dir d -wal-dir w -client http://127.0.0.1:12379 -peer http://127.0.0.1:12380
//
// It prints "ready VERSION" when it serves, and ends cleanly at SIGTERM or SIGINT. With -stdin it
// ends when its standard input is closed, so that it does not outlive the program that started it.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/api/v3/version"

	"github.com/redline-go/redline/validation/etcd/server"
)

func main() {
	server.Serve() // a test that wants this version starts it so
	var c server.Config
	flag.StringVar(&c.Name, "name", "m1", "member name")
	flag.StringVar(&c.Dir, "dir", "", "data directory")
	flag.StringVar(&c.WALDir, "wal-dir", "", "WAL directory, if not inside the data directory")
	flag.StringVar(&c.ClientURL, "client", "http://127.0.0.1:12379", "client URL")
	flag.StringVar(&c.PeerURL, "peer", "http://127.0.0.1:12380", "peer URL")
	flag.StringVar(&c.Cluster, "cluster", "", "initial cluster, NAME=PEER,...; default: this member alone")
	flag.Int64Var(&c.Quota, "quota", 0, "backend quota in bytes; 0: etcd's default, as for all that follow")
	flag.Uint64Var(&c.SnapshotCount, "snapshot-count", 0, "applied entries between snapshots")
	flag.DurationVar(&c.Election, "election", 0, "election timeout")
	flag.DurationVar(&c.Heartbeat, "heartbeat", 0, "heartbeat interval")
	flag.DurationVar(&c.BatchInterval, "batch-interval", 0, "longest time between backend commits")
	flag.IntVar(&c.BatchLimit, "batch-limit", 0, "most operations in a backend commit")
	flag.DurationVar(&c.Compaction, "compaction", 0, "periodic auto-compaction; 0: none")
	flag.StringVar(&c.LogFile, "log", "", "log file; default: no log")
	untilEOF := flag.Bool("stdin", false, "end when standard input is closed")
	flag.Parse()
	if err := run(c, *untilEOF); err != nil {
		fmt.Fprintln(os.Stderr, "etcdserver:", err)
		os.Exit(1)
	}
}

func run(c server.Config, untilEOF bool) error {
	if untilEOF {
		return server.Run(c)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	etcd, err := server.Start(c)
	if err != nil {
		return err
	}
	fmt.Println("ready", version.Version)
	<-end
	etcd.Close()
	return nil
}
