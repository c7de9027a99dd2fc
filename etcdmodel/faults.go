package etcdmodel

import (
	"context"
	"errors"
	"fmt"
)

// Fault is one way in which disks can be slow, with what it does.
type Fault struct {
	Name string // "none", "one follower", "all followers", "leader", "all members"
	Prediction
}

// Faults answers: does it matter which disk is slow? It predicts the load with every disk as it
// is, and with the slow one under one follower, all followers, the leader, and all members. A
// single member has only "none" and "all members".
//
// A leader on a disk that is slow enough loses its lead (Prediction.Elections). The slow disk is
// then a follower's. It returns an error that names [FaultsContext] for a load of which five
// predictions take much more than a second.
func Faults(c Cluster, l Load, slow Disk) ([]Fault, error) {
	if err := errors.Join(c.Check(), l.Check(), slow.Check("slow")); err != nil {
		return nil, err
	}
	if err := checkCost(c.WithDefaults(), l, "FaultsContext"); err != nil {
		return nil, err
	}
	return FaultsContext(context.Background(), c, l, slow)
}

// FaultsContext is like [Faults] but takes longer loads, too, and ends with ctx.
func FaultsContext(ctx context.Context, c Cluster, l Load, slow Disk) ([]Fault, error) {
	if err := errors.Join(c.Check(), slow.Check("slow")); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	var out []Fault
	for _, f := range []struct {
		name     string
		from, to int // members that are slow
	}{
		{"none", 0, 0}, {
			"one follower", c.Members - 1, c.Members,
		}, {"all followers", 1, c.Members}, {"leader", 0, 1}, {"all members", 0, c.Members},
	} {
		if c.Members == 1 && f.name != "none" && f.name != "all members" {
			continue
		}
		faulty := c
		faulty.Disks = append([]Disk(nil), c.Disks...)
		for i := f.from; i < f.to; i++ {
			faulty.Disks[i] = slow
		}
		p, err := PredictContext(ctx, faulty, l)
		if err != nil {
			return nil, fmt.Errorf("with %s slow: %w", f.name, err)
		}
		out = append(out, Fault{f.name, p})
	}
	return out, nil
}
