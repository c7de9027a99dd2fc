package proxymodel

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// burstPoint plays a point of the table out.
func burstPoint(i, j, changes int) [3]float64 {
	long, rate := float64(i)/(burstLongs-1), math.Exp2(float64(burstFirst+j)/2)
	long = min(max(long, 1e-3), 1-1e-6)
	period, mean, p99, _ := simulate(V1_29, long, 1, rate, changes)
	return [3]float64{max(0, math.Log(rate*period)), mean - long, max(0, p99-long)}
}

// REDLINE_UPDATE=1 writes the table. Otherwise some points of it are checked.
func TestBurstTable(t *testing.T) {
	if os.Getenv("REDLINE_UPDATE") == "" {
		for _, p := range [][2]int{{0, 0}, {2, 10}, {5, 16}, {9, 6}, {10, 26}} {
			want := burstPoint(p[0], p[1], 100_000)
			for k, w := range want {
				assert.InDelta(t, w, float64(burstTable[p[0]][p[1]][k]), 0.02+0.02*w, "%v %d", p, k)
			}
		}
		return
	}
	const path, mark = "cost_runner_burst.go", "var burstTable = "
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	code, _, found := strings.Cut(string(source), mark)
	require.True(t, found)
	var b strings.Builder
	b.WriteString(code + mark + "[burstLongs][burstRates][3]float32{\n")
	for i := range burstLongs {
		b.WriteString("\t{")
		for j := range burstRates {
			v := burstPoint(i, j, 400_000)
			if j%3 == 0 {
				b.WriteString("\n\t\t")
			} else {
				b.WriteString(" ")
			}
			fmt.Fprintf(&b, "{%.4g, %.4g, %.4g},", v[0], v[1], v[2])
		}
		b.WriteString("\n\t},\n")
	}
	b.WriteString("}\n")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
}
