// Command explain shows where kube-scheduler would put a pod, with every plugin's verdict and score
// for every node. It needs a cluster dump, and no cluster.
//
//	go run ./examples/explain                                 # a small cluster that comes with it
//	kubectl get -A -o yaml nodes,namespaces,pods,services,\
//	replicationcontrollers,replicasets,statefulsets,\
//	priorityclasses,runtimeclasses,limitranges,poddisruptionbudgets,\
//	persistentvolumes,persistentvolumeclaims,storageclasses,\
//	csinodes,csidrivers,csistoragecapacities,\
//	resourceclaims,resourceclaimtemplates,resourceslices,deviceclasses > cluster.yaml
//	go run ./examples/explain -cluster cluster.yaml -pod pod.yaml
//	go run ./examples/explain -cluster cluster.yaml -pod deploy.yaml -profile sched.yaml -o json
//
// Leave out kinds that the cluster does not serve: kubectl refuses the whole list for one of them.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/scheduler"
)

var (
	//go:embed testdata/cluster.yaml
	smallCluster []byte
	//go:embed testdata/pod.yaml
	smallPod []byte
)

type options struct {
	cluster, pod, profile, output string
	all                           bool
}

func main() {
	var o options
	flag.StringVar(&o.cluster, "cluster", "",
		"`FILE` of objects as kubectl get -o yaml or json prints them; - is standard input; none: a small cluster")
	flag.StringVar(&o.pod, "pod", "",
		"`FILE` with one Pod, Deployment, ReplicaSet, StatefulSet or Job; others in it are passed over; none: a pod "+
			"for the small cluster")
	flag.StringVar(&o.profile, "profile", "",
		"`FILE` with a KubeSchedulerConfiguration; none: kube-scheduler's defaults")
	flag.StringVar(&o.output, "o", "table", "table or json")
	flag.BoolVar(&o.all, "all", false, "print every node of the table, not only the first 50 of each kind")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "explain:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, stdin io.Reader, stdout io.Writer) error {
	if o.output != "table" && o.output != "json" {
		return fmt.Errorf("-o is %q, want table or json", o.output)
	}
	objects, err := read(o.cluster, smallCluster, stdin)
	if err != nil {
		return err
	}
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		return err
	}
	pod, err := o.readPod(stdin)
	if err != nil {
		return err
	}
	var config scheduler.Config
	if o.profile != "" {
		if config.Profile, err = os.ReadFile(o.profile); err != nil {
			return err
		}
	}
	engine, err := scheduler.New(config)
	if err != nil {
		return err
	}
	decision, err := engine.Explain(ctx, snapshot, pod)
	if err != nil {
		return err
	}
	if o.output == "json" {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(decision)
	}
	return table(stdout, decision, o.all)
}

// read parses a file, standard input or, without a name, the example that comes with the command.
func read(name string, otherwise []byte, stdin io.Reader) ([]runtime.Object, error) {
	switch name {
	case "":
		return capacity.Read(bytes.NewReader(otherwise))
	case "-":
		return capacity.Read(stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	objects, err := capacity.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return objects, nil
}

// readPod takes a Pod as it is and the pod template of anything else.
func (o options) readPod(stdin io.Reader) (*corev1.Pod, error) {
	objects, err := read(o.pod, smallPod, stdin)
	if err != nil {
		return nil, err
	}
	if len(objects) > 1 {
		objects = slices.DeleteFunc(objects, func(o runtime.Object) bool { return !capacity.IsWorkload(o) })
	}
	if len(objects) != 1 {
		return nil, fmt.Errorf("-pod has %d workloads, want one Pod, Deployment, ReplicaSet, StatefulSet or Job",
			len(objects))
	}
	if pod, ok := objects[0].(*corev1.Pod); ok {
		return pod, nil
	}
	w, err := capacity.WorkloadOf(objects[0])
	if err != nil {
		return nil, err
	}
	pod := &corev1.Pod{ObjectMeta: w.Template.ObjectMeta, Spec: w.Template.Spec}
	pod.Namespace = w.Namespace
	return pod, nil
}
