// Package server starts a real etcd with the settings that matter to a write load, and nothing
// else.
package server

import (
	"cmp"
	"fmt"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// A Config says which etcd to start. Zero values are etcd's own defaults.
type Config struct {
	Name          string        // default "m1"
	Dir           string        // data directory, wanted
	WALDir        string        // "": inside Dir
	ClientURL     string        // wanted, e.g. http://127.0.0.1:12379
	PeerURL       string        // wanted
	Cluster       string        // initial cluster, "name=peer,..."; "": this member alone
	Quota         int64         // backend quota in bytes
	SnapshotCount uint64        // applied entries between snapshots
	Election      time.Duration // election timeout
	Heartbeat     time.Duration // heartbeat interval
	BatchInterval time.Duration // longest time between backend commits
	BatchLimit    int           // most operations in a backend commit
	Compaction    time.Duration // auto-compaction, periodic; 0: none
	LogFile       string        // "": nowhere
	Binary        string        // a build of cmd/etcdserver to run, of another version; "": this one
}

// Start starts an etcd and waits until it serves.
func Start(c Config) (*embed.Etcd, error) {
	cfg, err := c.embed()
	if err != nil {
		return nil, err
	}
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("server: start etcd: %w", err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		etcd.Close()
		return nil, fmt.Errorf("server: etcd ended: %w", err)
	case <-time.After(time.Minute):
		etcd.Close()
		return nil, fmt.Errorf("server: etcd at %s did not become ready within a minute", c.ClientURL)
	}
}

func (c Config) embed() (*embed.Config, error) {
	if c.Dir == "" || c.ClientURL == "" || c.PeerURL == "" {
		return nil, fmt.Errorf(
			"server: Config.Dir, ClientURL and PeerURL are %q, %q and %q, want all three", c.Dir, c.ClientURL, c.PeerURL,
		)
	}
	client, err := url.Parse(c.ClientURL)
	if err != nil {
		return nil, fmt.Errorf("server: Config.ClientURL: %w", err)
	}
	peer, err := url.Parse(c.PeerURL)
	if err != nil {
		return nil, fmt.Errorf("server: Config.PeerURL: %w", err)
	}
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir, cfg.WalDir = cmp.Or(c.Name, "m1"), c.Dir, c.WALDir
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	cfg.InitialCluster = cmp.Or(c.Cluster, cfg.Name+"="+c.PeerURL)
	cfg.QuotaBackendBytes = cmp.Or(c.Quota, cfg.QuotaBackendBytes)
	cfg.SnapshotCount = cmp.Or(c.SnapshotCount, cfg.SnapshotCount)
	cfg.ElectionMs = cmp.Or(uint(c.Election.Milliseconds()), cfg.ElectionMs)
	cfg.TickMs = cmp.Or(uint(c.Heartbeat.Milliseconds()), cfg.TickMs)
	cfg.BackendBatchInterval = cmp.Or(c.BatchInterval, cfg.BackendBatchInterval)
	cfg.BackendBatchLimit = cmp.Or(c.BatchLimit, cfg.BackendBatchLimit)
	if c.Compaction > 0 {
		cfg.AutoCompactionMode, cfg.AutoCompactionRetention = "periodic", c.Compaction.String()
	}
	cfg.LogLevel, cfg.LogOutputs = "error", []string{cmp.Or(c.LogFile, "/dev/null")}
	return cfg, nil
}
