// Package harness runs real etcd clusters, drives them with the same [etcdmodel.Load] that the
// model predicts for, and measures. Each member runs in a process of its own. The disks of its WAL
// and its db can be slowed down one by one.
//
// A test binary that uses it calls [Serve] first in TestMain.
package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/server"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// Serve turns the process into an etcd member or a slow disk's server if it was started as one.
func Serve() {
	slowdisk.Serve()
	server.Serve()
}

// Config describes the cluster to start.
type Config struct {
	Members int           // 0 means 1
	Etcd    server.Config // settings; directories and addresses are the harness's
	// Data and WAL are the directories of each member, a slow disk's or not. Where they are shorter
	// or nil, Data is the test's own temporary directory and WAL is Data.
	Data, WAL []string
}

// A Cluster is a running etcd.
type Cluster struct {
	URLs    []string // client URL of each member
	Version string   // of the etcd
	process []*server.Process
	config  []server.Config
	client  [][]*clientv3.Client // per member, several connections
}

// connections is the number of connections to each member: as many as in the measurements of
// etcdmodel/testdata.
const connections = 4

// Start starts a cluster for a test, which ends it.
func Start(t testing.TB, c Config) *Cluster {
	t.Helper()
	var cluster *Cluster
	var err error
	for range 3 { // another process may have taken a port between the choice and the use
		if cluster, err = start(t, c); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Log(err) // a member that was stuck on its slow disk is killed: no failure of the test
		}
	})
	return cluster
}

func start(t testing.TB, c Config) (*Cluster, error) {
	n := max(c.Members, 1)
	ports, err := freePorts(2 * n)
	if err != nil {
		return nil, err
	}
	cluster := &Cluster{}
	var peers []string
	configs := make([]server.Config, n)
	for i := range n {
		e := c.Etcd
		e.Name = fmt.Sprintf("m%d", i+1)
		e.ClientURL, e.PeerURL = address(ports[2*i]), address(ports[2*i+1])
		e.Dir = filepath.Join(pick(c.Data, i, t.TempDir), fmt.Sprintf("%s-%d", e.Name, ports[2*i]))
		if i < len(c.WAL) && c.WAL[i] != "" {
			e.WALDir = filepath.Join(c.WAL[i], filepath.Base(e.Dir)+"-wal")
		}
		peers = append(peers, e.Name+"="+e.PeerURL)
		cluster.URLs = append(cluster.URLs, e.ClientURL)
		configs[i] = e
	}
	for i := range configs {
		configs[i].Cluster = strings.Join(peers, ",")
		p, err := server.Spawn(configs[i])
		if err != nil {
			return nil, err
		}
		cluster.process = append(cluster.process, p)
	}
	cluster.config = configs
	if err := cluster.ready(); err != nil {
		return nil, errors.Join(err, cluster.Close())
	}
	return cluster, nil
}

// ready starts the members at the same time, for they wait for each other, and connects.
func (c *Cluster) ready() error {
	errs := make([]error, len(c.process))
	var group sync.WaitGroup
	for i, p := range c.process {
		group.Go(func() { errs[i] = p.Ready() })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	c.Version = c.process[0].Version
	for _, url := range c.URLs {
		var clients []*clientv3.Client
		for range connections {
			client, err := clientv3.New(clientv3.Config{
				Endpoints: []string{url}, DialTimeout: 10 * time.Second, MaxCallSendMsgSize: 64 << 20, Logger: zap.NewNop(),
			})
			if err != nil {
				return fmt.Errorf("harness: %w", err)
			}
			clients = append(clients, client)
		}
		c.client = append(c.client, clients)
	}
	return nil
}

// Close ends the cluster.
func (c *Cluster) Close() error {
	for _, clients := range c.client {
		for _, client := range clients {
			client.Close()
		}
	}
	errs := make([]error, len(c.process))
	var group sync.WaitGroup
	for i, p := range c.process {
		group.Go(func() { errs[i] = p.Close() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Client returns a client of one member.
func (c *Cluster) Client(member int) *clientv3.Client { return c.client[member][0] }

// Metrics reads a member's page.
func (c *Cluster) Metrics(member int) (Metrics, error) { return scrape(c.URLs[member]) }

// Leader returns the index of the member that leads.
func (c *Cluster) Leader(ctx context.Context) (int, error) {
	for ctx.Err() == nil {
		for i, url := range c.URLs {
			status, err := c.Client(i).Status(ctx, url)
			if err == nil && status.Leader == status.Header.MemberId {
				return i, nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return 0, fmt.Errorf("harness: no leader: %w", ctx.Err())
}

// Lead makes a member the leader.
func (c *Cluster) Lead(ctx context.Context, member int) error {
	for ctx.Err() == nil {
		leader, err := c.Leader(ctx)
		if err != nil {
			return err
		}
		if leader == member {
			return nil
		}
		status, err := c.Client(member).Status(ctx, c.URLs[member])
		if err != nil {
			return fmt.Errorf("harness: %w", err)
		}
		c.Client(leader).MoveLeader(ctx, status.Header.MemberId) // refused while an election is under way: ask again
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("harness: member %d does not lead: %w", member, ctx.Err())
}

func pick(from []string, i int, otherwise func() string) string {
	if i < len(from) && from[i] != "" {
		return from[i]
	}
	return otherwise()
}

func address(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// freePorts asks the kernel for ports that nobody listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("harness: %w", err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// Model returns the model's name of the cluster's version.
func (c *Cluster) Model() etcdmodel.Version {
	v, err := etcdmodel.ParseVersion(c.Version)
	if err != nil {
		panic(err) // the module file pins a version that the model does not know
	}
	return v
}
