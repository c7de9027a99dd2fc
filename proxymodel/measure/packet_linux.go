package measure

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// packetRounds counts the connections of a median.
const packetRounds = 301

// firstPacket times the first packets of connections in the namespace, as the time of the
// non-blocking connect that sends them. To an address that is no service a packet passes all
// rules. To the first service it is translated. An ordinary user's threads cannot enter the
// namespace.
func (n *namespace) firstPacket() (packetTime, error) {
	if n.rootless {
		return packetTime{}, errors.ErrUnsupported
	}
	var p packetTime
	err := n.inside(func() error {
		if err := loopbackUp(); err != nil {
			return err
		}
		service := net.ParseIP(serviceIP(0)).To4()
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
		p.miss, p.hit = medianTime(miss), medianTime(hit)
		return nil
	})
	return p, err
}

// connectTime returns the time of one connect. Nobody needs to listen.
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

// packet records how much the rules just written add to base, the packet without them.
func (b *bench) packet(n *namespace, base packetTime, rules int) error {
	p, err := n.firstPacket()
	b.packets = append(b.packets, packetTime{rules: rules, miss: p.miss - base.miss, hit: p.hit - base.hit})
	return err
}

// ignoreUnsupported lets an ordinary user's calibration go on without packets.
func ignoreUnsupported(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
