package proxycost

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestMemPrint(t *testing.T) {
	for _, spec := range strings.Fields(os.Getenv("SPECS")) {
		f := strings.Split(spec, ",")
		n, _ := strconv.Atoi(f[1])
		e, _ := strconv.Atoi(f[2])
		r := measureSyncs(t, f[0], n, e, 1)
		m := r[len(r)-1]
		fmt.Printf("MEM %s %dx%d kernel %.2f MB heap %.2f MB rss %.2f MB\n", m.Mode, n, e, float64(m.KernelMem)/1e6, float64(m.ProxyHeap)/1e6, float64(m.RestoreRSS)/1e6)
	}
}
