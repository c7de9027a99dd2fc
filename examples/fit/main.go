// Command fit reports how many replicas of a workload a cluster holds, and why not one more.
//
//	go run ./examples/fit                                              # incident 8829
//	kubectl get nodes,ns,pods,quota,limits,pc,runtimeclass,pdb -A -o yaml > cluster.yaml
//	go run ./examples/fit -cluster cluster.yaml -workload deploy.yaml -replicas 200
//	go run ./examples/fit -kubeconfig ~/.kube/config -workload deploy.yaml -o json
//
// With no flags it answers the incident's question: an autoscaler asked for 500 replicas where 50
// ran. It then asks what the quota of the report's action item would have done.
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
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/capacity/live"
)

// These are the incident's cluster, its Deployment and the quota that its report calls for.
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
	rest                         []string // arguments that are no flags
}

// check returns an error for flags that would be passed over in silence.
func (o options) check() error {
	switch {
	case len(o.rest) > 0:
		return fmt.Errorf("argument %q, want flags only: -cluster FILE -workload FILE", o.rest[0])
	case o.output != "text" && o.output != "json" && o.output != "yaml":
		return fmt.Errorf("-o is %q, want text, json or yaml", o.output)
	case o.cluster != "" && o.kubeconfig != "":
		return errors.New("-cluster and -kubeconfig are both given, want one")
	case o.context != "" && o.kubeconfig == "":
		return errors.New("-context is given without -kubeconfig, want both")
	case o.output != "text" && o.workload == "" && (o.cluster != "" || o.kubeconfig != ""):
		return fmt.Errorf("-o %s of another cluster without -workload would answer for the incident's Deployment, "+
			"want -workload FILE", o.output)
	case o.replicas < -1:
		return fmt.Errorf("-replicas is %d, want >= 0, or -1 for what the workload says", o.replicas)
	}
	return nil
}

func main() {
	var o options
	flag.StringVar(&o.cluster, "cluster", "",
		"`FILE` of objects as kubectl get -o yaml or json prints them; - is standard input; none: the incident's "+
			"cluster")
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE`: read a running cluster instead (lists only)")
	flag.StringVar(&o.context, "context", "", "context `NAME` of the kubeconfig")
	flag.StringVar(&o.workload, "workload", "",
		"`FILE` with one Deployment, ReplicaSet, StatefulSet, Job or Pod; others in it are passed over; none: the "+
			"incident's Deployment")
	flag.StringVar(&o.whatIf, "with", "",
		"`FILE` of objects to add and ask again: a quota, more nodes; none: the incident's quota, if it is the "+
			"incident")
	flag.StringVar(&o.output, "o", "text", "text, json or yaml")
	flag.IntVar(&o.replicas, "replicas", -1, "replicas wanted in all; -1: as the workload says")
	flag.Parse()
	o.rest = flag.Args()
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
	if err := o.check(); err != nil {
		return err
	}
	incident := o.cluster == "" && o.kubeconfig == "" && o.workload == ""
	objects, warnings, err := o.objects(ctx, stdin)
	if err != nil {
		return err
	}
	workload, title, err := o.read()
	if err != nil {
		return err
	}
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		return err
	}
	r := report{workload: workload, title: title, snapshot: snapshot, warnings: warnings}
	if r.answer, err = snapshot.Fit(ctx, workload); err != nil {
		return err
	}
	if o.output != "text" && o.whatIf == "" {
		return write(stdout, o.output, r.answer, warnings)
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
		return write(stdout, o.output, *r.whatIf, warnings)
	}
	return r.text(stdout)
}

// objects reads the cluster: a dump, a running one, or the incident's.
func (o options) objects(ctx context.Context, stdin io.Reader) ([]runtime.Object, []error, error) {
	switch {
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

// read reads the workload, the only one of its file, and its title.
func (o options) read() (workload capacity.Workload, title string, err error) {
	name, objects := "the incident's Deployment", []runtime.Object(nil)
	if o.workload != "" {
		name = o.workload
		objects, err = readFile(o.workload)
	} else {
		objects, err = capacity.Read(bytes.NewReader(incidentWorkload))
	}
	if err != nil {
		return workload, "", err
	}
	if len(objects) > 1 {
		objects = slices.DeleteFunc(objects, func(o runtime.Object) bool { return !capacity.IsWorkload(o) })
	}
	if len(objects) != 1 {
		return workload, "", fmt.Errorf("%s has %d workloads, want one Deployment, ReplicaSet, StatefulSet, Job or Pod",
			name, len(objects))
	}
	if workload, err = capacity.WorkloadOf(objects[0]); err != nil {
		return workload, "", fmt.Errorf("%s: %w", name, err)
	}
	title = objects[0].GetObjectKind().GroupVersionKind().Kind + " " +
		strings.TrimSuffix(workload.Template.Name+workload.Template.GenerateName, "-")
	if o.workload == "" && (o.cluster != "" || o.kubeconfig != "") {
		title += ", the incident's as no -workload is given,"
	}
	if o.replicas >= 0 {
		workload.Replicas = o.replicas
	}
	return workload, title, nil
}

// extra reads the objects to add and ask again, and the title of that question.
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

// write puts the warnings about the cluster before the answer's own.
func write(w io.Writer, format string, answer capacity.Answer, warnings []error) error {
	answer.Warnings = slices.Concat(warnings, answer.Warnings)
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
