package etcdmodel

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stalling returns a cluster whose listed members (or all) have the disk.
func stalling(members int, disk Disk, slow ...int) Cluster {
	c := Cluster{Members: members, Version: V3_6, Seed: 1}
	if len(slow) == 0 {
		c.Disks = []Disk{disk}
		return c
	}
	for range members {
		c.Disks = append(c.Disks, NVMe())
	}
	for _, i := range slow {
		c.Disks[i] = disk
	}
	return c
}

func openLoad(rate float64) Load {
	return Load{Streams: []Stream{{Op: Op{Kind: Put, Key: 46, Value: 512}, Rate: rate}}}
}

// Estimate agrees with Predict over disks, round trips, members and loads: both expect less than
// half an election an hour, or their numbers are within a factor.
func TestElectionsAgree(t *testing.T) {
	rare := Disk{Fsync: []Quantile{{0, ms(2)}, {0.99, ms(10)}, {0.995, ms(900)}, {1, ms(2500)}}}
	for name, d := range map[string]Disk{
		"0.5 s": FixedDisk(ms(500)), "1.3 s": FixedDisk(ms(1300)), "2 s": FixedDisk(ms(2000)),
		"1.3 s +- 50 %": FixedDisk(ms(1300)).Jittered(0.5), "1.3 s +- 90 %": FixedDisk(ms(1300)).Jittered(0.9),
		"2 s +- 20 %": FixedDisk(ms(2000)).Jittered(0.2), "2 s +- 80 %": FixedDisk(ms(2000)).Jittered(0.8), "rare": rare,
	} {
		for _, members := range []int{1, 3, 5} {
			for _, slow := range [][]int{nil, {0}, {1}, {0, 1}, {1, 2}} {
				if members == 1 && len(slow) > 0 {
					continue
				}
				for _, rtt := range []time.Duration{ms(0.2), ms(40)} {
					for _, rate := range []float64{0.6, 20, 300} {
						c := stalling(members, d, slow...)
						c.RTT = rtt
						p, err := Predict(c, openLoad(rate))
						require.NoError(t, err)
						q, err := Estimate(c, openLoad(rate))
						require.NoError(t, err)
						a, b := math.Max(p.Elections, 0.5), math.Max(q.Elections, 0.5)
						if r := math.Max(a/b, b/a); r > 3 {
							t.Errorf("%s, %d members, slow %v, RTT %v, %v/s: predicted %.2f, estimated %.2f",
								name, members, slow, rtt, rate, p.Elections, q.Elections)
						}
					}
				}
			}
		}
	}
	assert.NotEmpty(t, fmt.Sprint())
}

