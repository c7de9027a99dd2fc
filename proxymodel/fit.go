package proxymodel

import "math"

// fitRow is one measurement: units of work, and the nanoseconds they took
// together, to be met within a share of weight⁻¹ nanoseconds.
type fitRow struct {
	units  []float64
	nanos  float64
	weight float64
}

// fit finds non-negative costs per unit that meet the rows in least weighted
// squares, each drawn with strength pull towards its prior: what rows do not
// tell apart, or do not contain, keeps the prior's proportions. The prior is
// first scaled to this machine by the median ratio of measured to predicted.
// With pull zero the prior is only where the search starts.
func fit(rows []fitRow, prior []float64, pull float64) []float64 {
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

func normalEquations(rows []fitRow, scale []float64, pull float64) ([][]float64, []float64) {
	n := len(scale)
	gram, right := make([][]float64, n), make([]float64, n)
	for j := range gram {
		gram[j] = make([]float64, n)
		if scale[j] > 0 {
			gram[j][j], right[j] = pull, pull
		}
		for _, r := range rows {
			w := r.weight * r.weight * r.units[j] * scale[j]
			for k := range scale {
				gram[j][k] += w * r.units[k] * scale[k]
			}
			right[j] += w * r.nanos
		}
	}
	return gram, right
}

// priorRatio is how much slower than the prior this machine is: the mean of
// measured to predicted, weighted as the rows are.
func priorRatio(rows []fitRow, prior []float64) float64 {
	measured, predicted := 0.0, 0.0
	for _, r := range rows {
		p := 0.0
		for j, u := range r.units {
			p += u * prior[j]
		}
		measured += r.weight * r.nanos
		predicted += r.weight * p
	}
	if measured <= 0 || predicted <= 0 {
		return 1
	}
	return measured / predicted
}

// costs reads and writes a cost as the vector that [fit] works on.
type costs []*Nanos

func (c costs) values() []float64 {
	out := make([]float64, len(c))
	for i, p := range c {
		out[i] = float64(*p)
	}
	return out
}

func (c costs) set(v []float64) {
	for i, p := range c {
		*p = Nanos(v[i])
	}
}

// of is what units of work cost.
func (c costs) of(units []float64) float64 {
	sum := 0.0
	for i, p := range c {
		sum += float64(*p) * units[i]
	}
	return sum
}
