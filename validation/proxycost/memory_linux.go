package proxycost

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory holds the bytes that a first sync left behind.
type memory struct {
	KernelMem  int64 // growth of the whole kernel's unreclaimable, virtual and per-processor memory
	ProxyHeap  int64 // live heap of kube-proxy, with the objects it was given
	RestoreRSS int64 // of the largest of its children
}

// kernelMemory returns the bytes that the machine's kernel holds of the kinds that tables are made
// of.
func kernelMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	var sum int64
	for s := bufio.NewScanner(f); s.Scan(); {
		name, rest, _ := strings.Cut(s.Text(), ":")
		switch name {
		case "SUnreclaim", "VmallocUsed", "Percpu":
			if kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64); err == nil {
				sum += kb << 10
			}
		}
	}
	return sum
}

func memoryNow(kernelBefore int64) memory {
	var r unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &r)
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{KernelMem: kernelMemory() - kernelBefore, ProxyHeap: int64(m.HeapAlloc), RestoreRSS: r.Maxrss << 10}
}
