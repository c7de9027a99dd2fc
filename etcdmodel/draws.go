package etcdmodel

import "math"

// draws of the members' saves and limits: a low-discrepancy sequence, the same at every call.
type draws struct {
	c      *Cluster
	places [maxMembers][stallPlaces]float64 // of each member's distribution, ns
	lags   [maxMembers][lagTurns]float64    // ns that a follower is still in an earlier save
	n      int
}

const (
	stallPlaces = 16
	lagTurns    = 61
)

func newStallDraws(c Cluster) *draws {
	d := &draws{c: &c}
	for j := range c.Members {
		for k := range stallPlaces {
			d.places[j][k] = float64(quantileOf(c.Disks[j].Fsync, (float64(k)+0.5)/stallPlaces))
		}
	}
	return d
}

// lag follows the followers through the leader's turns. One that is still in an earlier save when
// the leader begins another has the new entries in its next save, with all that have come by then.
func (d *draws) lag(t *turn) {
	gap := 1e9/math.Max(t.fsyncs, math.SmallestNonzeroFloat64) - t.cycle
	for k := 1; k < lagTurns; k++ {
		d.n++
		turn := d.draw(0, 2*d.c.Members) + math.Max(0, gap)
		for j := 1; j < d.c.Members; j++ {
			behind := d.lags[j][k-1]
			if behind <= turn {
				behind += d.draw(j, 2*j-2)
			}
			d.lags[j][k] = math.Max(0, behind-turn)
		}
	}
}

// draw returns a save of a member.
func (d *draws) draw(member, coordinate int) float64 {
	return d.places[member][int(d.uniform(coordinate)*stallPlaces)]
}

// frequency makes the sequences of two coordinates independent: the fractions of the square roots
// of primes.
var frequency = [...]float64{
	0.41421356, 0.73205081, 0.23606798, 0.64575131, 0.31662479, 0.60555128, 0.12310563, 0.35889894, 0.79583152, 0.38516481,
	0.56776436, 0.08276253, 0.40312424, 0.55743852, 0.85565460, 0.28010989, 0.68114575, 0.81024968, 0.18535277, 0.42614977,
}

func (d *draws) uniform(coordinate int) float64 {
	return fraction(frequency[coordinate%len(frequency)] * float64(d.n))
}

func fraction(x float64) float64 { return x - math.Floor(x) }

// winner draws the followers' saves, takes the k-th draw of their limits, and returns the first
// that is elected during a stall of s ns. It returns 0 if none is.
func (d *draws) winner(s float64, k int) int {
	d.n++
	c := d.c
	beat, n := float64(c.Heartbeat), float64(c.Election/c.Heartbeat)
	var willing, asks [maxMembers]float64
	for j := 1; j < c.Members; j++ {
		save := d.lags[j][d.n%lagTurns] + d.draw(j, 2*j-2)
		began := math.Max(0, save-beat) // one tick waits for the end of the save
		limit := n + math.Floor(n*fraction(frequency[(2*j-1)%len(frequency)]*float64(k+1)))
		first := began + (d.uniform(2*j-1)-1)*beat
		willing[j], asks[j] = first+n*beat, first+limit*beat
	}
	best, at := 0, s-float64(c.RTT)
	for j := 1; j < c.Members; j++ {
		grant := 0
		for k := 1; k < c.Members; k++ {
			if k != j && willing[k] <= asks[j] {
				grant++
			}
		}
		if grant >= c.quorum()-1 && asks[j] < at {
			best, at = j, asks[j]
		}
	}
	return best
}
