//go:build !js

package etcdmodel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sort"
	"sync"
	"time"
)

// These constants set how long Calibrate measures a disk. A fast disk gives thousands of
// fdatasyncs in that time. A slow one is given longer, until there are enough for a median.
const (
	calibrateSmall  = 2 * time.Second        // appends of fioBlock bytes
	calibrateLarge  = 700 * time.Millisecond // appends of largeBlock bytes
	calibrateEnough = 25                     // appends of each size
	calibrateMost   = 8 * time.Second        // of each size, enough or not
	largeBlock      = 64 << 10               // bytes: the WAL of some fifty writes in one fdatasync
	// A WAL segment (storage/wal/wal.go: SegmentSizeBytes), allocated beforehand as etcd does.
	segmentBytes   = 64_000_000
	dbBytes        = 16 << 20               // the stand-in for the db file
	dbPage         = 4096                   // bbolt's page
	dbPagesCommit  = 24                     // pages a commit writes: some 50 revisions, their branch, root and freelist
	commitInterval = 100 * time.Millisecond // --backend-batch-interval
)

// Calibrate measures the disk under dir in about three seconds, and at most 16 on a slow one. It
// times fdatasyncs of WAL-like appends to a file allocated beforehand. Meanwhile it writes a
// second file as etcd's backend writes its db: every 100 ms some pages and two fdatasyncs. So it
// measures the disk as etcd meets it and not idle.
//
// The result has Fsync for appends of Size bytes and Bandwidth from longer ones. Commit stays nil
// because it depends on the load: the model makes it of two fdatasyncs and the pages.
//
// Calibrate writes about 80 MB into files in dir that have no name where the system can do that:
// nothing is left of them, also if the process is killed. What a killed one leaves elsewhere, the
// next call removes. A cancelled call returns ctx's error after the fdatasync that is under way.
// Put dir on the disk in question and not on a tmpfs.
//
// Calibrate cannot see what etcd itself adds: on a machine whose processors are busy, a goroutine
// waits longer for an fdatasync than the disk takes. [DiskFromMetrics] of a running etcd includes
// that. Prefer it where there is one.
func Calibrate(ctx context.Context, dir string) (Disk, error) {
	if err := ctx.Err(); err != nil {
		return Disk{}, fmt.Errorf("etcdmodel: calibrate: %w", err)
	}
	sweep(dir)
	files, err := newScratch(dir)
	if err != nil {
		return Disk{}, fmt.Errorf("etcdmodel: calibrate: %w", err)
	}
	disk, err := calibrateOn(ctx, files)
	if err := errors.Join(err, files.close()); err != nil {
		return Disk{}, fmt.Errorf("etcdmodel: calibrate %s: %w", dir, err)
	}
	disk.Name = "measured at " + dir
	return disk, nil
}

func calibrateOn(ctx context.Context, files *scratch) (Disk, error) {
	commits := startCommits(ctx, files.db)
	small, large, err := appends(ctx, files.wal)
	commit, commitErr := commits.finish()
	if err := errors.Join(err, commitErr); err != nil {
		return Disk{}, err
	}
	return Disk{
		Fsync:     knotsOf(small),
		Size:      fioBlock,
		Bandwidth: bandwidthOf(small, large),
		Source: fmt.Sprintf("measured: %d appends of %d bytes, %d of %d, %d commits of %d pages; %s/%s",
			len(small), fioBlock, len(large), largeBlock, len(commit), dbPagesCommit, runtime.GOOS, runtime.GOARCH),
	}, nil
}

// appends times write and fdatasync of small and of large appends.
func appends(ctx context.Context, wal *os.File) (small, large []time.Duration, err error) {
	offset := int64(0)
	if small, err = appendFor(ctx, wal, &offset, fioBlock, calibrateSmall); err != nil {
		return nil, nil, err
	}
	large, err = appendFor(ctx, wal, &offset, largeBlock, calibrateLarge)
	return small, large, err
}

func appendFor(
	ctx context.Context, wal *os.File, offset *int64, size int, atLeast time.Duration,
) ([]time.Duration, error) {
	block := noise(size)
	var took []time.Duration
	start := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if past := time.Since(start); past >= calibrateMost || past >= atLeast && len(took) >= calibrateEnough {
			return took, nil
		}
		if *offset+int64(size) > segmentBytes {
			*offset = 0
		}
		began := time.Now()
		if _, err := wal.WriteAt(block, *offset); err != nil {
			return nil, err
		}
		if err := datasync(wal); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		*offset += int64(size)
	}
}

// A committer writes a db as the backend does, in the background.
type committer struct {
	stop  chan struct{}
	group sync.WaitGroup
	took  []time.Duration
	err   error
}

func startCommits(ctx context.Context, db *os.File) *committer {
	c := &committer{stop: make(chan struct{})}
	c.group.Go(func() {
		random := rand.New(rand.NewPCG(1, 2))
		page := noise(dbPage)
		for ctx.Err() == nil && c.err == nil && !c.finished() {
			var t time.Duration
			t, c.err = commitOnce(db, page, random)
			c.took = append(c.took, t)
			select {
			case <-ctx.Done():
			case <-c.stop:
			case <-time.After(commitInterval):
			}
		}
	})
	return c
}

// finished reports whether to stop: three commits make a median, also where one takes seconds.
func (c *committer) finished() bool {
	select {
	case <-c.stop:
		return len(c.took) >= 3
	default:
		return false
	}
}

// finish waits for the last commit and returns how long each took.
func (c *committer) finish() ([]time.Duration, error) {
	close(c.stop)
	c.group.Wait()
	return c.took, c.err
}

// commitOnce makes one bbolt commit (tx.go: write, fdatasync, writeMeta, fdatasync) and returns
// its duration.
func commitOnce(db *os.File, page []byte, random *rand.Rand) (time.Duration, error) {
	began := time.Now()
	for range dbPagesCommit {
		if _, err := db.WriteAt(page, (2+random.Int64N(dbBytes/dbPage-2))*dbPage); err != nil {
			return 0, err
		}
	}
	if err := datasync(db); err != nil {
		return 0, err
	}
	if _, err := db.WriteAt(page, dbPage*random.Int64N(2)); err != nil {
		return 0, err
	}
	err := datasync(db)
	return time.Since(began), err
}

// noise returns bytes that no disk compresses.
func noise(size int) []byte {
	random := rand.New(rand.NewPCG(3, uint64(size)))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// bandwidthOf returns the speed at which bytes beyond the small append were written. It compares
// medians, because the tails of both are the same. It returns zero where the longer appends were
// no slower: the cost of bytes cannot be seen then.
func bandwidthOf(small, large []time.Duration) float64 {
	more := quantileOf(knotsOf(large), 0.5) - quantileOf(knotsOf(small), 0.5)
	if more <= 0 {
		return 0
	}
	return float64(largeBlock-fioBlock) / more.Seconds()
}

// knotsOf returns the distribution of a sample, with as many knots as it can support.
func knotsOf(sample []time.Duration) []Quantile {
	if len(sample) == 0 {
		return nil
	}
	sorted := append([]time.Duration(nil), sample...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })
	n := len(sorted)
	knots := []Quantile{{0, sorted[0]}}
	for _, p := range []float64{0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999} {
		if rank := int(p * float64(n)); float64(n)*min(p, 1-p) >= 1 {
			knots = append(knots, Quantile{p, sorted[rank]})
		}
	}
	return append(knots, Quantile{1, sorted[n-1]})
}
