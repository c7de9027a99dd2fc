// Command fit says how many replicas of a workload a cluster holds, and why
// not one more.
//
//	go run ./examples/fit                                              # incident 8829
//	kubectl get nodes,ns,pods,quota,limits -A -o yaml > cluster.yaml
//	go run ./examples/fit -cluster cluster.yaml -workload deploy.yaml -replicas 200
//	go run ./examples/fit -kubeconfig ~/.kube/config -workload deploy.yaml -o json
//
// With no flags it answers the incident's question: an autoscaler asked for
// 500 replicas where 50 ran; and what the quota of the report's action item
// would have done.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/capacity/live"
)

// The incident's cluster, Deployment and the quota that its report calls for.
var (
	//go:embed testdata/cluster.yaml
	incidentCluster []byte
	//go:embed testdata/deployment.yaml
	incidentWorkload []byte
	//go:embed testdata/quota.yaml
	incidentQuota []byte
)

type options struct {
	cluster, kubeconfig, context string
	workload, whatIf, output     string
	replicas                     int
}

func main() {
	var o options
	flag.StringVar(&o.cluster, "cluster", "", "`FILE` of objects as kubectl get -o yaml or json prints them; - is standard input; none: the incident's cluster")
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE`: read a running cluster instead (lists only)")
	flag.StringVar(&o.context, "context", "", "context `NAME` of the kubeconfig")
	flag.StringVar(&o.workload, "workload", "", "`FILE` with a Deployment, ReplicaSet, StatefulSet, Job or Pod; none: the incident's Deployment")
	flag.StringVar(&o.whatIf, "with", "", "`FILE` of objects to add and ask again: a quota, more nodes; none: the incident's quota, if it is the incident")
	flag.StringVar(&o.output, "o", "text", "text, json or yaml")
	flag.IntVar(&o.replicas, "replicas", -1, "replicas wanted in all; -1: as the workload says")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fit:", err)
		if errors.Is(err, capacity.ErrNeedsScheduler) {
			fmt.Fprintln(os.Stderr, "fit: package scheduler answers this one; go run ./examples/explain shows it")
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, stdin io.Reader, stdout io.Writer) error {
	if o.output != "text" && o.output != "json" && o.output != "yaml" {
		return fmt.Errorf("-o is %q, want text, json or yaml", o.output)
	}
	incident := o.cluster == "" && o.kubeconfig == "" && o.workload == ""
	objects, warnings, err := o.objects(ctx, stdin)
	if err != nil {
		return err
	}
	workload, err := o.read()
	if err != nil {
		return err
	}
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		return err
	}
	r := report{workload: workload, snapshot: snapshot, warnings: warnings}
	if r.answer, err = snapshot.Fit(ctx, workload); err != nil {
		return err
	}
	if o.output != "text" && o.whatIf == "" {
		return write(stdout, o.output, r.answer)
	}
	extra, name, err := o.extra(incident)
	if err != nil {
		return err
	}
	if extra != nil {
		changed, err := snapshot.With(extra...)
		if err != nil {
			return err
		}
		answer, err := changed.Fit(ctx, workload)
		if err != nil {
			return err
		}
		r.whatIf, r.whatIfName = &answer, name
	}
	if o.output != "text" {
		return write(stdout, o.output, *r.whatIf)
	}
	return r.text(stdout)
}

// objects is the cluster: a dump, a running one, or the incident's.
func (o options) objects(ctx context.Context, stdin io.Reader) ([]runtime.Object, []error, error) {
	switch {
	case o.cluster != "" && o.kubeconfig != "":
		return nil, nil, fmt.Errorf("-cluster and -kubeconfig are both given, want one")
	case o.kubeconfig != "":
		return live.Read(ctx, live.Cluster{Kubeconfig: o.kubeconfig, Context: o.context})
	case o.cluster == "-":
		objects, err := capacity.Read(stdin)
		return objects, nil, err
	case o.cluster != "":
		objects, err := readFile(o.cluster)
		return objects, nil, err
	}
	objects, err := capacity.Read(bytes.NewReader(incidentCluster))
	return objects, nil, err
}

func readFile(path string) ([]runtime.Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	objects, err := capacity.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return objects, nil
}

// read is the workload: of the one object of its file that has a pod template.
func (o options) read() (capacity.Workload, error) {
	objects, err := capacity.Read(bytes.NewReader(incidentWorkload))
	name := "the incident's Deployment"
	if o.workload != "" {
		name = o.workload
		objects, err = readFile(o.workload)
	}
	if err != nil {
		return capacity.Workload{}, err
	}
	if len(objects) != 1 {
		return capacity.Workload{}, fmt.Errorf("%s has %d objects, want one workload", name, len(objects))
	}
	workload, err := capacity.WorkloadOf(objects[0])
	if o.replicas >= 0 {
		workload.Replicas = o.replicas
	}
	return workload, err
}

// extra is what to add and ask again, and what to call it.
func (o options) extra(incident bool) ([]runtime.Object, string, error) {
	switch {
	case o.whatIf != "":
		objects, err := readFile(o.whatIf)
		return objects, "With " + o.whatIf, err
	case incident:
		objects, err := capacity.Read(bytes.NewReader(incidentQuota))
		return objects, "With a ResourceQuota of 100 pods (the report's action item 2)", err
	}
	return nil, "", nil
}

func write(w io.Writer, format string, answer capacity.Answer) error {
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return err
	}
	if format == "yaml" {
		if text, err = yaml.JSONToYAML(text); err != nil {
			return err
		}
	} else {
		text = append(text, '\n')
	}
	_, err = w.Write(text)
	return err
}
