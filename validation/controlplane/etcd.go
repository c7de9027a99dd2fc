package controlplane

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// etcd is a running etcd: one member embedded in this process, or members in processes
// of their own on disks that can be slowed.
type etcd struct {
	endpoints []string
	disks     []*slowdisk.Disk
	client    *clientv3.Client
	web       *http.Client
}

func startEtcd(t testing.TB, s Scenario) *etcd {
	t.Helper()
	e := &etcd{web: &http.Client{Timeout: 5 * time.Second}}
	if s.SlowDisk || s.Members > 1 {
		e.spawn(t, s)
	} else {
		e.embed(t)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: e.endpoints, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatalf("controlplane: etcd client: %v", err)
	}
	e.client = client
	t.Cleanup(func() {
		client.Close()
		e.web.CloseIdleConnections()
	})
	return e
}

// embed starts one member in this process.
func (e *etcd) embed(t testing.TB) {
	ports := freePorts(t, 2)
	config := embed.NewConfig()
	config.Dir = t.TempDir()
	config.UnsafeNoFsync = true // the machine's disk, and who else writes to it, is not part of the scenario; SlowDisk is
	config.LogLevel, config.LogOutputs = "error", []string{os.DevNull}
	client, peer := localURL(ports[0]), localURL(ports[1])
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		t.Fatalf("controlplane: start etcd: %v", err)
	}
	t.Cleanup(server.Close)
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		t.Fatal("controlplane: etcd is not ready after a minute")
	}
	e.endpoints = []string{client.String()}
}

// spawn starts each member in a process of its own, on a slow disk if there is to be one.
func (e *etcd) spawn(t testing.TB, s Scenario) {
	binary := etcdBinary(t)
	n := max(s.Members, 1)
	ports := freePorts(t, 2*n)
	var cluster []string
	for i := range n {
		cluster = append(cluster, fmt.Sprintf("m%d=%s", i, address(ports[2*i+1])))
	}
	var ready []*bufio.Reader
	for i := range n {
		dir := t.TempDir()
		if s.SlowDisk {
			disk := slowdisk.ForTest(t, 0)
			e.disks = append(e.disks, disk)
			dir = disk.Dir()
		}
		e.endpoints = append(e.endpoints, address(ports[2*i]))
		ready = append(ready, spawnMember(t, binary, "-stdin", "-name", fmt.Sprintf("m%d", i), "-dir",
			filepath.Join(dir, "etcd"),
			"-client", address(ports[2*i]), "-peer", address(ports[2*i+1]), "-cluster", strings.Join(cluster, ",")))
	}
	for _, r := range ready {
		if line, err := r.ReadString('\n'); !strings.HasPrefix(line, "ready") {
			t.Fatalf("controlplane: etcd says %q: %v", line, err)
		}
	}
}

func spawnMember(t testing.TB, binary string, args ...string) *bufio.Reader {
	cmd := exec.Command(binary, args...)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatalf("controlplane: start etcd: %v", err)
	}
	t.Cleanup(func() {
		in.Close() // it ends by itself
		late := time.AfterFunc(15*time.Second, func() { cmd.Process.Kill() })
		defer late.Stop()
		io.Copy(io.Discard, out)
		cmd.Wait()
	})
	return bufio.NewReader(out)
}

// etcdBinary builds the etcd member of validation/etcd, v3.5 as in the incident.
func etcdBinary(t testing.TB) string {
	binary := filepath.Join(t.TempDir(), "etcdserver")
	build := exec.Command(
		"go", "build", "-C", filepath.Join("..", "etcd"), "-modfile=go35.mod", "-o", binary, "./cmd/etcdserver",
	)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("controlplane: build the etcd member: %v\n%s", err, out)
	}
	return binary
}

// setDelay slows the disk of one member, or of all for -1.
func (e *etcd) setDelay(member int, delay time.Duration) error {
	if len(e.disks) == 0 {
		return bad("Scenario.SlowDisk", false, "true to slow a disk")
	}
	if member >= len(e.disks) || delay < 0 {
		return bad(
			"SetDisk", fmt.Sprintf("(%d, %v)", member, delay),
			fmt.Sprintf("a member below %d, or -1, and a delay >= 0", len(e.disks)),
		)
	}
	for i, d := range e.disks {
		if member < 0 || member == i {
			if err := d.SetDelay(delay); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *etcd) leader(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for i, endpoint := range e.endpoints {
		if status, err := e.client.Status(ctx, endpoint); err == nil && status.Leader == status.Header.MemberId {
			return i, nil
		}
	}
	return 0, errors.New("controlplane: no etcd member leads")
}

// metrics reads the unlabelled metrics of the first member.
func (e *etcd) metrics() map[string]float64 {
	answer, err := e.web.Get(e.endpoints[0] + "/metrics")
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if ok && strings.HasPrefix(name, "etcd_") {
			values[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return values
}

func localURL(port int) url.URL {
	return url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
}
func address(port int) string { u := localURL(port); return u.String() }

// lastPort is the last port given away. Ports come from below the range that the kernel
// takes for outgoing connections (32768 on), where a free port may be gone a moment later.
var lastPort atomic.Int32

func init() { lastPort.Store(int32(20000 + os.Getpid()*64%8000)) }

func freePorts(t testing.TB, n int) (ports []int) {
	for range 4000 {
		port := int(lastPort.Add(1))
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatalf("controlplane: found %d free ports from 20000 on, want %d", len(ports), n)
	return nil
}
