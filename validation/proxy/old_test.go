package proxy

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// oracle runs kube-proxy v1.29.2 in a process of its own (../proxy129).
type oracle struct {
	t    *testing.T
	in   *json.Encoder
	out  *bufio.Reader
	next int
}

// request and answer repeat those of ../proxy129/wire.go.
type request struct {
	ID    int
	New   *oldSettings  `json:",omitempty"`
	Drop  bool          `json:",omitempty"`
	After time.Duration `json:",omitempty"`
	Ops   []op          `json:",omitempty"`
}

type oldSettings struct {
	Mode, Local, NodeIP string
	Family              corev1.IPFamily
	Node                proxymodel.Node
}

type answer struct {
	Size, Ops, Servers, Real, Bound int
	Entries                         map[string]int
}

// newOracle builds and starts it. It ends with the test.
func newOracle(t *testing.T) *oracle {
	bin := filepath.Join(t.TempDir(), "proxy129")
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Dir = "../proxy129"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building kube-proxy v1.29.2: %v\n%s", err, out)
	}
	cmd := exec.Command(bin)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // its end
		if err := cmd.Wait(); err != nil {
			t.Errorf("kube-proxy v1.29.2: %v", err)
		}
	})
	return &oracle{t: t, in: json.NewEncoder(in), out: bufio.NewReaderSize(out, 1<<20)}
}

// oldReal is one of its proxiers. It keeps events until the sync.
type oldReal struct {
	*oracle
	id    int
	mode  proxymodel.Mode
	after time.Duration
	ops   []op
	rules proxymodel.Rules
}

func (o *oracle) start(m proxymodel.Mode, n proxymodel.Node, f corev1.IPFamily) *oldReal {
	o.next++
	s := &oldSettings{Mode: m.String(), Family: f, Local: localCIDR(n, f), NodeIP: nodeIP(n, f).String(), Node: n}
	o.send(request{ID: o.next, New: s})
	return &oldReal{oracle: o, id: o.next, mode: m}
}

func (o *oracle) send(q request) {
	if err := o.in.Encode(q); err != nil {
		o.t.Fatal(err)
	}
}

func (r *oldReal) OnServiceUpdate(before, after *corev1.Service) {
	r.ops = append(r.ops, op{ServiceBefore: before, Service: after})
}

func (r *oldReal) OnEndpointSliceUpdate(_, s *discoveryv1.EndpointSlice) {
	r.ops = append(r.ops, op{Slice: s})
}

func (r *oldReal) OnEndpointSliceDelete(s *discoveryv1.EndpointSlice) {
	r.ops = append(r.ops, op{Slice: s, SliceGone: true})
}

func (r *oldReal) OnTopologyChange(labels map[string]string) {
	zone := labels[corev1.LabelTopologyZone]
	r.ops = append(r.ops, op{Zone: &zone})
}

func (r *oldReal) wait(d time.Duration) { r.after = d }

func (r *oldReal) written() proxymodel.Rules { return r.rules }

func (r *oldReal) OnServiceSynced() {
	r.send(request{ID: r.id, After: r.after, Ops: r.ops})
	r.after, r.ops = 0, nil
	line, err := r.out.ReadBytes('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		r.t.Fatal(err)
	}
	text := make([]byte, a.Size)
	if _, err := io.ReadFull(r.out, text); err != nil {
		r.t.Fatal(err)
	}
	if r.mode == proxymodel.NFTables {
		r.rules = parseScript(string(text), a.Ops)
		return
	}
	r.rules = parseRestore(text)
	r.rules.Elements, r.rules.VirtualServers = a.Entries, a.Servers
	r.rules.RealServers, r.rules.BoundAddresses = a.Real, a.Bound
}

// TestV129 holds all modes of v1.29 against kube-proxy v1.29.2.
func TestV129(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	for m, short := range []int{proxymodel.IPTables: 2000, proxymodel.NFTables: 200, proxymodel.IPVS: 200} {
		m := proxymodel.Mode(m)
		t.Run(m.String(), func(t *testing.T) {
			o.t = t
			syncs, partial := 0, 0
			n := cases(t, short, 2000)
			for i := range n {
				w := newWorld(stream("v1.29 "+m.String(), i), true)
				first := o.next + 1
				s, p := run(t, m, proxymodel.V1_29, w, 5, func(f corev1.IPFamily) real { return o.start(m, w.node, f) })
				syncs, partial = syncs+s, partial+p
				for id := first; id <= o.next; id++ {
					o.send(request{ID: id, Drop: true})
				}
				if t.Failed() {
					t.Fatalf("case %d", i)
				}
			}
			t.Logf("%d clusters, %d syncs, %d of them partial: counts and bytes equal", n, syncs, partial)
		})
	}
}
