package harness

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/etcdmodel"
)

// Full is the record of a db that came to its quota.
type Full struct {
	After    time.Duration // from the first request
	Answered int           // requests answered before
	DB       float64       // bytes of the file then
	Err      error         // the first refusal
}

// mostLate is the time by which the arrivals may fall behind. Arrivals that a machine did not send
// while it was elsewhere are not sent at once afterwards, in one commit of the backend, but later.
// The rate that counts is the one that arrived.
const mostLate = 20 * time.Millisecond

// mostOpen is the number of requests that may wait at a time: a disk that stops for a second
// collects no more for its next commit.
const mostOpen = 100

// UntilNoSpace sends requests at regular intervals until one is refused.
func (c *Cluster) UntilNoSpace(
	ctx context.Context, op etcdmodel.Op, keys int, rate float64, most time.Duration,
) (Full, error) {
	r, err := c.requester(ctx, op, keys)
	if err != nil {
		return Full{}, err
	}
	end, err := c.forFlush(ctx)
	if err != nil {
		return Full{}, err
	}
	limited, stop := context.WithTimeout(ctx, most)
	defer stop()
	var full Full
	var once sync.Once
	var answered atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	next, open := start, make(chan struct{}, mostOpen)
	for i := 0; limited.Err() == nil; i++ {
		if sleep(limited, time.Until(next)) != nil {
			break
		}
		open <- struct{}{}
		if late := time.Now().Add(-mostLate); next.Before(late) {
			next = late
		}
		next = next.Add(time.Duration(float64(time.Second) / rate))
		group.Go(func() {
			err := r.send(context.WithoutCancel(ctx), c.client[0][i%connections])
			<-open
			if err == nil {
				answered.Add(1)
				return
			}
			once.Do(func() {
				full.After, full.Answered, full.Err = time.Since(start), int(answered.Load()), err
				stop()
			})
		})
	}
	group.Wait()
	if full.Err == nil {
		return full, fmt.Errorf("harness: no refusal within %v, %d answers", most, answered.Load())
	}
	if err := c.flush(ctx, end); err != nil {
		return full, err
	}
	m, err := c.Metrics(0)
	full.DB = m.Value("etcd_mvcc_db_total_size_in_bytes")
	return full, err
}

// PutOne puts one small key.
func (c *Cluster) PutOne(ctx context.Context) error {
	_, err := c.Client(0).Put(ctx, "one", "1")
	return err
}

// CompactAndDisarm compacts to the latest revision and takes the NOSPACE alarm away.
func (c *Cluster) CompactAndDisarm(ctx context.Context) error {
	revision, err := c.revision(ctx)
	if err != nil {
		return err
	}
	if _, err := c.Client(0).Compact(ctx, revision, clientv3.WithCompactPhysical()); err != nil {
		return fmt.Errorf("harness: compact: %w", err)
	}
	return c.disarm(ctx)
}

// DefragAndDisarm makes the file as small as its contents and takes the alarm away.
func (c *Cluster) DefragAndDisarm(ctx context.Context) error {
	if _, err := c.Client(0).Defragment(ctx, c.URLs[0]); err != nil {
		return fmt.Errorf("harness: defragment: %w", err)
	}
	return c.disarm(ctx)
}

func (c *Cluster) disarm(ctx context.Context) error {
	if _, err := c.Client(0).AlarmDisarm(ctx, &clientv3.AlarmMember{}); err != nil {
		return fmt.Errorf("harness: disarm: %w", err)
	}
	return nil
}
