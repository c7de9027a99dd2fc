package proxymodel

import "math"

// burst looks up what v1.29's runner does with syncs of s seconds shorter than
// its minimum interval m. A sync takes a token; two fit the bucket, and one
// comes every m. Changes that find none wait for the next change to try again,
// or for a timer m after the last sync's end. That has no closed form: the table
// was made by playing it out, 400,000 changes a point (runner_burst_test.go),
// over s/m and, in half powers of two, the changes per m.
func burst(what int, long, changes float64) float64 {
	x := min(max(long, 0), 1) * (burstLongs - 1)
	y := min(max(2*math.Log2(changes)-burstFirst, 0), burstRates-1)
	i, j := min(int(x), burstLongs-2), min(int(y), burstRates-2)
	x, y = x-float64(i), y-float64(j)
	at := func(i, j int) float64 { return float64(burstTable[i][j][what]) }
	v := (1-x)*((1-y)*at(i, j)+y*at(i, j+1)) + x*((1-y)*at(i+1, j)+y*at(i+1, j+1))
	if what != events {
		if low := changes / math.Exp2(burstFirst/2.); low < 1 { // rarer than the table: waits are as rare
			v *= low
		}
		return v
	}
	v = math.Exp(v)
	if high := changes / math.Exp2((burstFirst+burstRates-1)/2.); high > 1 { // more often: a sync every m
		v *= high
	}
	return v
}

// The columns of burstTable: the logarithm of changes per sync; and, over m, the mean and the
// 99th percentile of what a change waits beyond its sync.
const (
	events = iota
	meanWait
	p99Wait
)

// The rows and columns: s/m in tenths, changes per m from 2^-6 to 2^7.
const (
	burstLongs = 11
	burstFirst = -12
	burstRates = 27
)
