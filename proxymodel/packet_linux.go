package proxymodel

import (
	"errors"
	"net"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// packetRounds is how many connections a median is of.
const packetRounds = 301

// firstPacket times the first packets of connections in the namespace: what a
// non-blocking connect takes, which sends it. To an address that is no service
// it passes all rules; to the first service it is translated. An ordinary
// user's threads can't enter the namespace.
func (n *namespace) firstPacket() (packetTime, error) {
	if n.rootless {
		return packetTime{}, errors.ErrUnsupported
	}
	var p packetTime
	err := n.inside(func() error {
		if err := loopbackUp(); err != nil {
			return err
		}
		service := parseIP(serviceIP(0)).To4()
		var miss, hit []time.Duration
		for i := range packetRounds {
			m, err := connectTime(net.IPv4(127, 0, 0, 9).To4(), 1024+i)
			if err != nil {
				return err
			}
			h, err := connectTime(service, 80)
			if err != nil {
				return err
			}
			miss, hit = append(miss, m), append(hit, h)
		}
		slices.Sort(miss)
		slices.Sort(hit)
		p.miss, p.hit = miss[packetRounds/2], hit[packetRounds/2]
		return nil
	})
	return p, err
}

// connectTime is the time of one connect; nobody needs to listen.
func connectTime(ip net.IP, port int) (time.Duration, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	to := unix.SockaddrInet4{Port: port, Addr: [4]byte(ip)}
	begin := time.Now()
	err = unix.Connect(fd, &to)
	d := time.Since(begin)
	if err != nil && err != unix.EINPROGRESS && err != unix.ECONNREFUSED {
		return 0, err
	}
	return d, nil
}

// loopbackUp does `ip link set lo up`.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

// packet adds what the rules that were just written add to base, the packet
// without them.
func (b *bench) packet(n *namespace, base packetTime, rules int) error {
	p, err := n.firstPacket()
	b.packets = append(b.packets, packetTime{rules: rules, miss: p.miss - base.miss, hit: p.hit - base.hit})
	return err
}

// ignoreUnsupported: an ordinary user's calibration goes on without packets.
func ignoreUnsupported(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// walk is the line through the first packets: the cost of a rule, from the
// smallest and the largest table, and the fixed cost of a translated one. It is
// not ok if the machine was too busy to tell.
func (b *bench) walk() (hit, walk Nanos, ok bool) {
	if len(b.packets) < 2 {
		return 0, 0, false
	}
	byRules := func(x, y packetTime) int { return x.rules - y.rules }
	small, large := slices.MinFunc(b.packets, byRules), slices.MaxFunc(b.packets, byRules)
	walk = Nanos(large.miss-small.miss) / Nanos(max(1, large.rules-small.rules))
	return Nanos(small.hit), walk, walk > 0 && small.hit > 0
}
