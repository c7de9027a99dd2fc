package proxycost

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/measure"
	"github.com/redline-go/redline/validation/internal/lost"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
	"sigs.k8s.io/knftables"
)

// measured is one sync of a real proxier.
type measured struct {
	Mode      string  // legacy, nft, nftables
	Services  int     // ClusterIP services of one port
	Endpoints int     // of each
	Phase     string  // first, full, partial
	Changed   int     // services of which an endpoint was replaced
	Wall      float64 // seconds
	Self      float64 // CPU seconds of kube-proxy itself
	User      float64 // of its children, in user space
	Kernel    float64 // of its children, in the kernel
	memory            // after the first sync
}

func (m measured) cpu() float64 { return m.Self + m.User + m.Kernel }

// childEnv makes the test binary the process in the namespace.
const childEnv = "REDLINE_PROXYCOST_CHILD"

// runChild measures one proxier in the network namespace that this process was started in. args are
// mode, services, endpoints, repetitions. It writes a JSON line per sync.
func runChild(args []string, out io.Writer) error {
	if len(args) == 1 && args[0] == "calibrate" {
		return calibrateChild(out)
	}
	if len(args) != 4 {
		return fmt.Errorf("proxycost: child wants 4 arguments, has %q", args)
	}
	var n [3]int
	for i, s := range args[1:] {
		v, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		n[i] = v
	}
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
	raisePriority()
	p, err := newProxier(args[0])
	if err != nil {
		return err
	}
	m := meter{proxier: p, out: json.NewEncoder(out), row: measured{Mode: args[0], Services: n[0], Endpoints: n[1]}}
	m.run(n[2])
	return m.err
}

// calibrated holds the measurements that a child made of the machine.
type calibrated struct {
	Machine  proxymodel.Machine
	Warnings []string
	Took     float64 // seconds
	Lost     float64 // of them, while this process was not let run
}

// calibrateChild calibrates at the priority that syncs are measured at.
func calibrateChild(out io.Writer) error {
	raisePriority()
	begin, watch := time.Now(), lost.Start()
	m, err := measure.Calibrate(context.Background())
	took, away := time.Since(begin), watch.Stop()
	if err != nil {
		return err
	}
	c := calibrated{Machine: m, Took: took.Seconds(), Lost: away.Sum.Seconds()}
	for _, w := range m.Warnings {
		c.Warnings = append(c.Warnings, w.Error())
	}
	c.Machine.Warnings = nil
	return json.NewEncoder(out).Encode(c)
}

// raisePriority puts every thread, and with them their children, before the ordinary processes of
// the machine. Where it is not allowed the CPU time is still right and the wall time is that of a
// busy machine.
func raisePriority() {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
		}
	}
}

type meter struct {
	proxier
	out *json.Encoder
	row measured
	err error
}

// run runs a first sync, partial ones of 0, 1 and up to 100 changed services, and full ones.
func (m *meter) run(repetitions int) {
	for i := range m.row.Services {
		m.OnServiceAdd(service(i))
		for _, s := range slicesOf(i, m.row.Endpoints, 0) {
			m.OnEndpointSliceAdd(s)
		}
	}
	m.OnServiceSynced()
	before := kernelMemory()
	sync := func() { m.OnEndpointSlicesSynced() }
	m.measure("first", m.row.Services, sync)
	m.row.memory = memoryNow(before)
	if m.row.Mode == "nftables" {
		m.measureListing(repetitions)
	}
	generation := 0
	for _, changed := range []int{1, 0, 100} {
		for range repetitions {
			generation++
			for k := range min(changed, m.row.Services) {
				i := (generation*7919 + k*13) % m.row.Services
				for _, s := range slicesOf(i, m.row.Endpoints, generation) {
					m.OnEndpointSliceUpdate(nil, s)
				}
			}
			m.measure("partial", min(changed, m.row.Services), m.OnServiceSynced)
		}
	}
	for i := range (repetitions + 1) / 2 {
		m.OnTopologyChange(map[string]string{"zone": strconv.Itoa(i)})
		m.measure("full", m.row.Services, m.OnServiceSynced)
	}
}

// measureListing lists the chains and sets as every sync of the nftables mode does, with the same
// library.
func (m *meter) measureListing(repetitions int) {
	table, err := knftables.New(knftables.IPv4Family, "kube-proxy", knftables.UseNetlink)
	if err != nil {
		m.err = err
		return
	}
	for range repetitions {
		m.measure("listing", 0, func() {
			for _, kind := range []string{"chain", "sets"} {
				if _, err := table.List(context.Background(), kind); err != nil {
					m.err = err
				}
			}
		})
	}
}

func (m *meter) measure(phase string, changed int, sync func()) {
	if m.err != nil {
		return
	}
	runtime.GC()
	self, children, at := usage(unix.RUSAGE_SELF), usage(unix.RUSAGE_CHILDREN), time.Now()
	sync()
	r := m.row
	r.Phase, r.Changed, r.Wall = phase, changed, time.Since(at).Seconds()
	u := usage(unix.RUSAGE_SELF)
	r.Self = u.user + u.kernel - self.user - self.kernel
	u = usage(unix.RUSAGE_CHILDREN)
	r.User, r.Kernel = u.user-children.user, u.kernel-children.kernel
	m.err = m.out.Encode(r)
}

type cpuTime struct{ user, kernel float64 }

func usage(who int) cpuTime {
	var r unix.Rusage
	if err := unix.Getrusage(who, &r); err != nil {
		return cpuTime{}
	}
	return cpuTime{seconds(r.Utime), seconds(r.Stime)}
}

func seconds(t unix.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
