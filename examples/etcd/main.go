// Command etcd answers whether an etcd holds a Kubernetes cluster's writes, when its db is full,
// and which change helps most.
//
//	go run ./examples/etcd                               # the incident: 45 Events/s on a slow disk
//	go run ./examples/etcd -nodes 1000 -pods 30000 -events 20 -disk nvme
//	go run ./examples/etcd -calibrate /var/lib/etcd      # this machine's disk, in three seconds
//	curl -s http://127.0.0.1:2381/metrics > page; go run ./examples/etcd -metrics page
//	go run ./examples/etcd -o out                        # with plots and a PrometheusRule in out/
//
// It writes files only into the directory of -o.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

type options struct {
	nodes, pods int
	churn       float64
	events      float64
	ttl         time.Duration

	version    string
	members    int
	quota      int64 // MiB
	disk       string
	metrics    string
	calibrate  string
	out        string
	compaction time.Duration
}

func main() {
	var o options
	flag.IntVar(&o.nodes, "nodes", 100, "nodes: each renews its Lease every 10 s and writes its status every 5 min")
	flag.IntVar(&o.pods, "pods", 3000, "running pods")
	flag.Float64Var(&o.churn, "churn", 0.2, "how many of the pods are replaced in an hour, as a ratio")
	flag.Float64Var(
		&o.events, "events", 45, "new Events per second (the incident: 450 unschedulable pods, one each in 10 s)",
	)
	flag.DurationVar(&o.ttl, "event-ttl", time.Hour, "kube-apiserver's --event-ttl")
	flag.StringVar(&o.version, "etcd", "3.5", "etcd version: 3.5, 3.6 or 3.7")
	flag.IntVar(&o.members, "members", 3, "etcd members")
	flag.Int64Var(&o.quota, "quota", 2048, "--quota-backend-bytes in `MiB`")
	flag.DurationVar(&o.compaction, "compaction", 5*time.Minute, "kube-apiserver's --etcd-compaction-interval")
	flag.StringVar(&o.disk, "disk", "hdd", "nvme, network, sata, hdd, or an fsync time such as 10ms")
	flag.StringVar(&o.metrics, "metrics", "", "`FILE`: the /metrics page of an etcd, to take the disk from")
	flag.StringVar(&o.calibrate, "calibrate", "", "`DIR` on the disk to measure instead")
	flag.StringVar(&o.out, "o", "", "`DIR` for plots (SVG, PNG) and alerting rules; made if it is not there")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, o options) error {
	cluster, err := o.cluster(ctx)
	if err != nil {
		return err
	}
	load, err := o.load()
	if err != nil {
		return err
	}
	p, err := etcdmodel.PredictContext(ctx, cluster, load)
	if err != nil {
		return err
	}
	report(w, cluster, load, p)
	knobs, err := o.knobs(ctx, cluster, p)
	if err != nil {
		return err
	}
	tableOfKnobs(w, p, knobs)
	if o.out == "" {
		return nil
	}
	return write(ctx, w, o.out, cluster, load, knobs)
}

// cluster returns the etcd that the flags describe.
func (o options) cluster(ctx context.Context) (etcdmodel.Cluster, error) {
	version, err := etcdmodel.ParseVersion(o.version)
	if err != nil {
		return etcdmodel.Cluster{}, err
	}
	disk, err := o.diskOf(ctx)
	if err != nil {
		return etcdmodel.Cluster{}, err
	}
	return etcdmodel.Cluster{
		Version: version, Members: o.members, Disks: []etcdmodel.Disk{disk}, Quota: o.quota << 20,
		CompactEvery: o.compaction, CompactKeep: o.compaction,
	}, nil
}

func (o options) diskOf(ctx context.Context) (etcdmodel.Disk, error) {
	switch {
	case o.metrics != "" && o.calibrate != "":
		return etcdmodel.Disk{}, errors.New("-metrics and -calibrate are two sources of one disk, want one")
	case o.metrics != "":
		f, err := os.Open(o.metrics)
		if err != nil {
			return etcdmodel.Disk{}, err
		}
		defer f.Close()
		return etcdmodel.DiskFromMetrics(f)
	case o.calibrate != "":
		return etcdmodel.Calibrate(ctx, o.calibrate)
	}
	presets := map[string]func() etcdmodel.Disk{
		"nvme": etcdmodel.NVMe, "network": etcdmodel.NetworkBlock, "sata": etcdmodel.SATASSD, "hdd": etcdmodel.HDD7200,
	}
	if preset, ok := presets[strings.ToLower(o.disk)]; ok {
		return preset(), nil
	}
	d, err := time.ParseDuration(o.disk)
	if err != nil {
		return etcdmodel.Disk{}, fmt.Errorf("-disk is %q, want nvme, network, sata, hdd or a time such as 10ms", o.disk)
	}
	return etcdmodel.FixedDisk(d), nil
}
