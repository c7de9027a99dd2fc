package harness

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Compacted is one physical compaction.
type Compacted struct {
	Took     time.Duration // from the request to its answer, which waits for the last batch
	Deleted  float64       // revisions
	DB       float64       // bytes of the file after it
	InUse    float64       // bytes in use before it
	Left     float64       // bytes in use after it
	Duration time.Duration // as etcd's own histogram has it
}

// CompactEvery compacts as kube-apiserver does: every interval, to the revision that was the
// latest one interval before. It ends with ctx and returns each compaction.
func (c *Cluster) CompactEvery(ctx context.Context, interval time.Duration) ([]Compacted, error) {
	var done []Compacted
	previous, err := c.revision(ctx)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return done, nil
		case <-tick.C:
		}
		now, err := c.revision(ctx)
		if err != nil {
			return done, nilAtEnd(ctx, err)
		}
		one, err := c.compact(ctx, previous)
		if err != nil {
			return done, nilAtEnd(ctx, err)
		}
		done, previous = append(done, one), now
	}
}

func (c *Cluster) compact(ctx context.Context, revision int64) (Compacted, error) {
	before, err := c.Metrics(0)
	if err != nil {
		return Compacted{}, err
	}
	start := time.Now()
	if _, err := c.Client(0).Compact(ctx, revision, clientv3.WithCompactPhysical()); err != nil {
		return Compacted{}, fmt.Errorf("harness: compact: %w", err)
	}
	took := time.Since(start)
	after, err := c.Metrics(0)
	if err != nil {
		return Compacted{}, err
	}
	const total = "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds"
	return Compacted{
		Took: took,
		Deleted: after.Value(
			"etcd_debugging_mvcc_db_compaction_keys_total",
		) - before.Value("etcd_debugging_mvcc_db_compaction_keys_total"),
		DB:       after.Value("etcd_mvcc_db_total_size_in_bytes"),
		InUse:    before.Value("etcd_mvcc_db_total_size_in_use_in_bytes"),
		Left:     after.Value("etcd_mvcc_db_total_size_in_use_in_bytes"),
		Duration: time.Duration(after.Since(before, total).Sum * float64(time.Millisecond)),
	}, nil
}

func (c *Cluster) revision(ctx context.Context) (int64, error) {
	answer, err := c.Client(0).Get(ctx, "none", clientv3.WithSerializable())
	if err != nil {
		return 0, fmt.Errorf("harness: %w", err)
	}
	return answer.Header.Revision, nil
}

// nilAtEnd returns nil for an error whose cause is the end of ctx.
func nilAtEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
