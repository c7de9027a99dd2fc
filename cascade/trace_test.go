package cascade
import ("testing";"fmt";"time")
func TestTrace(t *testing.T) {
	s := Scenario{Seed: 3, Length: sec(300), Grid: time.Second, Version: 1, Nodes: 100, Servers: 1, Uptime: sec(25),
		Etcd: Etcd{Fsync: time.Millisecond}, Leases: Leases{10 * time.Second, 40 * time.Second},
		Elections: Elections{15 * time.Second, 10 * time.Second, 2 * time.Second}, Livez: Livez{10 * time.Second, 8},
		Workload: Workload{Replicas: 50, Room: 50},
		Actions: []Action{{At: sec(30), Do: Scale, N: 500}, {At: sec(90), Do: Delay, For: sec(4)}, {At: sec(270), Do: Delay}}}
	p := newPlane(&s)
	p.onGrid = func() {
		if p.now < sec(89) { return }
		puts, gets, pend := 0,0,0
		for _, r := range p.requests { if r.stage != free { if r.stage==writing {pend++}; if r.purpose==forLease {puts++}; if r.purpose==forLeaseGet {gets++}}}
		a := p.answered
		fmt.Printf("%4.0f nr=%d w=%d c=%d wasted=%d pend=%d fs=%d be=%d puts=%d gets=%d | put %v get %v rev %d\n", p.now.Seconds(), p.life.notReady, p.writes, p.committed, p.wasted, pend, p.store.WALFsyncs, p.store.Commits, puts, gets, a[forLease], a[forLeaseGet], p.granted)
	}
	p.run()
}
