// Proxy prints what kube-proxy costs each node, for all of its modes side by side, and which mode
// to move to. Without flags the cluster is that of incident 8829: 4,499 service ports, 4502 lines
// of KUBE-SERVICES, kube-proxy v1.29.
//
//	go run ./examples/proxy                                   # the table
//	go run ./examples/proxy -services 10000 -endpoints 2      # another cluster
//	go run ./examples/proxy -calibrate                        # this machine's kernel and tools
//	go run ./examples/proxy -o plots                          # sync and packet, .svg and .png
//	kubectl get services,endpointslices -A -o yaml | go run ./examples/proxy -dump -
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/measure"
)

// options holds the flags.
type options struct {
	services, endpoints int
	dump                string
	version, mode       string
	changes             float64
	nodes               int
	calibrate           bool
	plots               string
}

func main() {
	var o options
	flag.IntVar(&o.services, "services", 4499, "service ports")
	flag.IntVar(&o.endpoints, "endpoints", 1, "endpoints of each")
	flag.StringVar(&o.dump, "dump", "",
		"file of Services and EndpointSlices instead, as kubectl prints them; - is standard input")
	flag.StringVar(&o.version, "version", "v1.29", "kube-proxy's version: v1.29 or v1.37")
	flag.StringVar(&o.mode, "mode", "iptables", "the mode that runs now: iptables, nftables or ipvs")
	flag.Float64Var(&o.changes, "changes", 10, "service and endpoint changes per second, in the whole cluster")
	flag.IntVar(&o.nodes, "nodes", 100, "nodes")
	flag.BoolVar(&o.calibrate, "calibrate", false,
		"measure this machine first, some seconds, in network namespaces of its own")
	flag.StringVar(&o.plots, "o", "", "directory for the plots; none without it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdin, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "proxy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer, o options) error {
	q, err := ask(ctx, in, o)
	if err != nil {
		return err
	}
	c, err := proxymodel.Compare(q)
	if err != nil {
		return err
	}
	printCluster(out, q)
	printModes(out, c)
	printAdvice(out, c)
	if o.plots == "" {
		fmt.Fprintln(out, "\nWith -o DIR, sync times and first packets against the number of services as pictures.")
		return nil
	}
	return drawPlots(out, o.plots, q)
}

// ask turns the options into a question.
func ask(ctx context.Context, in io.Reader, o options) (q proxymodel.Query, err error) {
	modes := []proxymodel.Mode{proxymodel.IPTables, proxymodel.NFTables, proxymodel.IPVS}
	if q.Mode, err = parse(o.mode, "mode", modes...); err != nil {
		return q, err
	}
	if q.Version, err = parse(o.version, "version", proxymodel.Modelled()...); err != nil {
		return q, err
	}
	q.Churn = proxymodel.Churn{Changes: o.changes, Nodes: o.nodes}
	q.Machine = proxymodel.DefaultMachine()
	if o.calibrate {
		if q.Machine, err = measure.Calibrate(ctx); err != nil {
			return q, err
		}
	}
	if o.dump == "" {
		q.Shape = proxymodel.Uniform(o.services, o.endpoints)
		return q, nil
	}
	q.Shape, err = readShape(in, o.dump, q.Version)
	return q, err
}

// parse finds the value that prints as s.
func parse[T fmt.Stringer](s, name string, values ...T) (T, error) {
	for _, v := range values {
		if v.String() == s {
			return v, nil
		}
	}
	var none T
	return none, fmt.Errorf("-%s is %q, want one of %v", name, s, values)
}

// readShape counts the services and slices of a dump. It passes over other objects.
func readShape(in io.Reader, path string, v proxymodel.Version) (proxymodel.Shape, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return proxymodel.Shape{}, err
		}
		defer f.Close()
		in = f
	}
	objects, err := capacity.Read(in)
	if err != nil {
		return proxymodel.Shape{}, err
	}
	var found proxymodel.Objects
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.Service:
			found.Services = append(found.Services, o)
		case *discoveryv1.EndpointSlice:
			found.Slices = append(found.Slices, o)
		}
	}
	if len(found.Services) == 0 {
		return proxymodel.Shape{}, fmt.Errorf("%s has %d objects, but no Service", path, len(objects))
	}
	node := proxymodel.Node{IPs: addressOf(found.Slices), LocalhostNodePorts: true}
	return proxymodel.ShapeOf(v, node, found)
}

// addressOf returns an address of the family that most slices are of. A node of a dual-stack
// cluster has tables and syncs for each family, and these are the larger.
func addressOf(slices []*discoveryv1.EndpointSlice) []string {
	v6 := 0
	for _, s := range slices {
		if s.AddressType == discoveryv1.AddressTypeIPv6 {
			v6++
		}
	}
	if 2*v6 > len(slices) {
		return []string{"2001:db8::1"}
	}
	return []string{"192.0.2.1"}
}
