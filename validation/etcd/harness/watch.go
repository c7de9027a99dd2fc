package harness

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Watching is a set of watchers that count their events.
type Watching struct {
	Events  atomic.Int64
	created atomic.Int64
	cancel  context.CancelFunc
	group   sync.WaitGroup
	clients []*clientv3.Client
}

// Watch starts watchers of all keys that begin with prefix, at a member. They share streams gRPC
// streams, as those of one kube-apiserver share one for each resource.
func (c *Cluster) Watch(ctx context.Context, member, watchers, streams int, prefix string) (*Watching, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &Watching{cancel: cancel}
	for range streams {
		client, err := clientv3.New(clientv3.Config{
			Endpoints: []string{c.URLs[member]}, DialTimeout: 10 * time.Second, Logger: zap.NewNop(),
		})
		if err != nil {
			w.Close()
			return nil, err
		}
		w.clients = append(w.clients, client)
	}
	for i := range watchers {
		events := w.clients[i%streams].Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
		w.group.Go(func() {
			for answer := range events {
				if answer.Created {
					w.created.Add(1)
				}
				w.Events.Add(int64(len(answer.Events)))
			}
		})
	}
	for w.created.Load() < int64(watchers) {
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			w.Close()
			return nil, err
		}
	}
	return w, nil
}

// Close ends the watchers.
func (w *Watching) Close() {
	w.cancel()
	for _, client := range w.clients {
		client.Close()
	}
	w.group.Wait()
}
