package measure

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// referenceWork is the median [workSample.walk] on the machine of [proxymodel.DefaultMachine]. It
// was 10.8 ms where the syncs of ../testdata/syncs.csv, done again, took kube-proxy itself 1.3
// times as long.
const referenceWork = 8.3e6 // ns

// workSample is a cluster to do kube-proxy's work on. It is kept as kube-proxy keeps it, in maps
// keyed by names. Each entry is a structure of its own somewhere in memory, more than the
// processor's caches hold.
type workSample struct {
	ports     map[string]*workPort
	endpoints map[string][]*workEndpoint
	elements  map[string]string
}

type workPort struct {
	ip, protocol, chain string
	port                int
}

type workEndpoint struct {
	ip    string
	port  int
	ready bool
}

const workServices = 5000

func newWorkSample() *workSample {
	s := script{services: workServices, endpoints: 2}
	w := &workSample{
		ports: map[string]*workPort{}, endpoints: map[string][]*workEndpoint{}, elements: map[string]string{},
	}
	s.each(func(i int) {
		chain := "service-" + s.hash(i, -1)[:8] + "-" + s.name(i)
		p := &workPort{ip: serviceIP(i), protocol: "TCP", chain: chain, port: 80}
		w.ports[s.name(i)] = p
		for k := range s.endpoints {
			e := &workEndpoint{ip: s.endpointIP(i, k), port: 8080, ready: true}
			w.endpoints[s.name(i)] = append(w.endpoints[s.name(i)], e)
		}
		w.elements[p.key()] = "goto " + p.chain
	})
	return w
}

func (p *workPort) key() string {
	return strings.Join([]string{p.ip, strings.ToLower(p.protocol), strconv.Itoa(p.port)}, " . ")
}

// walk does the work of a sync that changes nothing, and writes the lines that such a sync writes
// all the same. It returns how many bytes they have.
func (w *workSample) walk() (written int) {
	active, left := map[string]bool{}, make(map[string]bool, len(w.elements))
	for key := range w.elements {
		left[key] = true
	}
	var out []byte
	for name, p := range w.ports {
		var ready []*workEndpoint
		for _, e := range w.endpoints[name] {
			if e.ready && e.ip != "" {
				ready = append(ready, e)
			}
		}
		if len(ready) == 0 {
			continue
		}
		active[p.chain] = true
		if w.elements[p.key()] == "goto "+p.chain {
			delete(left, p.key())
		}
		out = append(out, "-A KUBE-SERVICES -m comment --comment \""+name+" cluster IP\" -d "+p.ip+
			" --dport "+strconv.Itoa(p.port)+" -j "+p.chain+"\n"...)
	}
	return len(out) + len(left)
}

// pace measures the speed of this machine at that work, from samples taken now and then. A virtual
// machine's caches are shared with others, which change their minds from one second to the next.
type pace struct {
	sample *workSample
	times  []time.Duration
}

func newPace() *pace { return &pace{sample: newWorkSample()} }

func (p *pace) take(n int) {
	for range n {
		p.times = append(p.times, threadTime(func() { p.sample.walk() }))
	}
}

// ratio returns the median over the reference.
func (p *pace) ratio() float64 {
	sorted := slices.Sorted(slices.Values(p.times))
	return float64(sorted[len(sorted)/2]) / referenceWork
}
