package controlplane

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// buildScheduler129 builds the real kube-scheduler v1.29.2 (scheduler129), from a cold
// build cache in one to two minutes.
func buildScheduler129(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "scheduler129")
	if out, err := exec.Command("go", "build", "-C", "scheduler129", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("controlplane: build kube-scheduler v1.29.2: %v\n%s", err, out)
	}
	return binary
}

// scheduler129Config enables the plugin that reports attempts; all else is the default,
// but for the leader election, which the bench does itself (see elect).
const scheduler129Config = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: %q}
leaderElection: {leaderElect: false}
profiles: [{plugins: {multiPoint: {enabled: [{name: CountAttempts}]}}}]
`

// startScheduler129 starts kube-scheduler v1.29.2 as a process of its own and returns
// when its informers are filled. What it reports is kept as if it ran in this process.
func (c *Cluster) startScheduler129(ctx context.Context) error {
	dir := filepath.Dir(c.scheduler129)
	config, err := c.writeConfig129(dir)
	if err != nil {
		return fmt.Errorf("controlplane: kube-scheduler v1.29.2: %w", err)
	}
	complaints, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		return fmt.Errorf("controlplane: kube-scheduler v1.29.2: %w", err)
	}
	cmd := exec.Command(c.scheduler129, "--config="+config, "--secure-port=0")
	cmd.Stderr = complaints
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		complaints.Close()
		return fmt.Errorf("controlplane: kube-scheduler v1.29.2: %w", err)
	}
	s, ready := newComponent(ctx), make(chan struct{})
	s.run(func(ctx context.Context) {
		<-ctx.Done()
		in.Close() // it ends by itself
		late := time.AfterFunc(15*time.Second, func() { cmd.Process.Kill() })
		defer late.Stop()
		cmd.Wait()
		complaints.Close()
	})
	reading := make(chan struct{})
	s.run(func(ctx context.Context) {
		defer close(reading)
		c.reports129(out, ready)
		if ctx.Err() == nil {
			c.log("kube-scheduler v1.29.2 ended by itself: " + lastLine(complaints.Name()))
		}
	})
	c.scheduler = s
	select {
	case <-ready:
		return nil
	case <-reading:
		return errors.New("controlplane: kube-scheduler v1.29.2 ended: " + lastLine(complaints.Name()))
	case <-time.After(time.Minute):
		return errors.New("controlplane: kube-scheduler v1.29.2 is not ready after a minute")
	}
}

// writeConfig129 writes the kubeconfig and the configuration.
func (c *Cluster) writeConfig129(dir string) (string, error) {
	const name = "bench"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[name] = &clientcmdapi.Cluster{Server: c.api.server.ClientConfig.Host, InsecureSkipTLSVerify: true}
	kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{
		Token: "system:kube-scheduler", AuthProvider: &clientcmdapi.AuthProviderConfig{Name: "reported"},
	}
	kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	kubeconfig.CurrentContext = name
	path, config := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "scheduler.yaml")
	return config, errors.Join(
		clientcmd.WriteToFile(*kubeconfig, path),
		os.WriteFile(config, fmt.Appendf(nil, scheduler129Config, path), 0o600),
	)
}

// reports129 keeps what the process says it did, until it ends.
func (c *Cluster) reports129(from io.Reader, ready chan<- struct{}) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		if err := c.report129(lines.Text(), ready); err != nil {
			c.log(fmt.Sprintf("kube-scheduler v1.29.2 says %q: %v", lines.Text(), err))
		}
	}
}

func (c *Cluster) report129(line string, ready chan<- struct{}) error {
	what, rest, _ := strings.Cut(line, " ")
	var at, took int64
	switch what {
	case "ready":
		c.scheduling.Store(time.Now().UnixNano())
		close(ready)
	case "attempt":
		if _, err := fmt.Sscan(rest, &at); err != nil {
			return err
		}
		c.attempts.add(c.clock.at(time.Unix(0, at)))
	case "request":
		var verb, path, code string
		if _, err := fmt.Sscan(rest, &at, &took, &verb, &code, &path); err != nil {
			return err
		}
		client, resource := "scheduler", ""
		resource, verb = verbOf(path, verb)
		if resource == "events" {
			client = "events"
		}
		c.requests.add(Request{
			At: c.clock.at(time.Unix(0, at)), Took: time.Duration(took), Client: client, Verb: verb, Resource: resource,
			Code: code,
		})
	default:
		return errors.New("not understood")
	}
	return nil
}

// lastLine returns a file's last line, if there is one.
func lastLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
