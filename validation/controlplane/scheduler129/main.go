// Command scheduler129 is the real kube-scheduler v1.29.2, the incident's, as
// validation/controlplane runs it against its API server. It is cmd/kube-scheduler of that
// version, with its flags and its configuration. It reports on standard output, a line each:
//
//	ready                             its informers have the nodes and pods
//	attempt AT                        a scheduling attempt began
//	request AT TOOK VERB CODE PATH    a request was answered, watches excepted
//
// Times are nanoseconds, AT since 1970. Code is the HTTP status or 0. A PreFilter plugin that says
// nothing, [counter], sees the attempts; the configuration must enable it. An auth provider,
// "reported", sees the requests; the kubeconfig must name it.
//
// It ends when its standard input does. It is a module of its own because two versions of
// Kubernetes do not build into one program.
package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	out := &report{to: os.Stdout}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := rest.RegisterAuthProviderPlugin("reported", out.provider); err != nil {
		fmt.Fprintln(os.Stderr, "scheduler129:", err)
		os.Exit(1)
	}
	os.Exit(cli.Run(app.NewSchedulerCommand(app.WithPlugin(counterName, out.plugin))))
}

// report is standard output, a line at a time.
type report struct {
	mu sync.Mutex
	to io.Writer
}

func (r *report) line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.to, format+"\n", args...)
}
