package work

import "math"

// Row is one measurement: units of work, and the nanoseconds they took together. A fit meets them
// within a share of 1/Weight nanoseconds.
type Row struct {
	Units  []float64
	Nanos  float64
	Weight float64
}

// Fit finds non-negative costs per unit that meet the rows in least weighted squares.
//
// Parameter pull is the strength with which each cost is drawn towards its prior. Costs that no row
// contains, or tells apart, keep the prior's proportions. The prior is first scaled to this machine
// by [priorRatio]. With pull zero the search only starts at the prior.
func Fit(rows []Row, prior []float64, pull float64) []float64 {
	n := len(prior)
	scale := make([]float64, n)
	ratio := 1.0
	if pull > 0 {
		ratio = priorRatio(rows, prior)
	}
	for j, p := range prior {
		scale[j] = p * ratio
	}
	gram, right := normalEquations(rows, scale, pull)
	z := make([]float64, n) // costs in units of scale
	for j := range z {
		z[j] = 1
	}
	for range 20_000 {
		moved := 0.0
		for j := range z {
			if gram[j][j] == 0 {
				continue
			}
			r := right[j]
			for k := range z {
				r -= gram[j][k] * z[k]
			}
			next := max(0, z[j]+r/gram[j][j])
			moved, z[j] = max(moved, math.Abs(next-z[j])), next
		}
		if moved < 1e-9 {
			break
		}
	}
	for j := range z {
		z[j] *= scale[j]
	}
	return z
}

func normalEquations(rows []Row, scale []float64, pull float64) ([][]float64, []float64) {
	n := len(scale)
	gram, right := make([][]float64, n), make([]float64, n)
	for j := range gram {
		gram[j] = make([]float64, n)
		if scale[j] > 0 {
			gram[j][j], right[j] = pull, pull
		}
		for _, r := range rows {
			w := r.Weight * r.Weight * r.Units[j] * scale[j]
			for k := range scale {
				gram[j][k] += w * r.Units[k] * scale[k]
			}
			right[j] += w * r.Nanos
		}
	}
	return gram, right
}

// priorRatio returns how much slower than the prior this machine is: the weighted mean of measured
// nanoseconds over the weighted mean of predicted ones.
func priorRatio(rows []Row, prior []float64) float64 {
	measured, predicted := 0.0, 0.0
	for _, r := range rows {
		measured += r.Weight * r.Nanos
		predicted += r.Weight * Dot(r.Units, prior)
	}
	if measured <= 0 || predicted <= 0 {
		return 1
	}
	return measured / predicted
}

// Dot returns the cost of units at so much each.
func Dot(units, costs []float64) float64 {
	sum := 0.0
	for j, u := range units {
		sum += u * costs[j]
	}
	return sum
}
