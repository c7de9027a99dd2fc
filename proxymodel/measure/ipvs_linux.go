package measure

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redline-go/redline/proxymodel"
)

// ipvs measures the part of ipvs mode that a kernel without ip_vs can show. It times the processes
// of ipset, of which a sync has dozens and a first one thousands, and their listing of an entry. It
// times a request over generic netlink, which is how kube-proxy talks to IPVS. IPVS's own work is
// not in it.
func (c *calibration) ipvs(ctx context.Context, ns *namespace) {
	if trip, err := netlinkTrip(); err == nil {
		c.machine.IPVS.Call = proxymodel.Nanos(float64(trip) + ipvsLibrary*c.ratio)
	} else {
		c.warn("a netlink call of ipvs mode", err)
	}
	if err := c.ipset(ctx, ns); err != nil {
		c.warn("ipset, of ipvs mode", err)
	}
}

func (c *calibration) ipset(ctx context.Context, ns *namespace) error {
	cost := &c.machine.IPVS
	path, err := lookPath("ipset")
	if err != nil {
		return err
	}
	var b bench
	for i := range 6 {
		u, err := ns.run(ctx, nil, path, "create", fmt.Sprint("redline-", i), "hash:ip,port")
		if err != nil {
			return err
		}
		b.exec = append(b.exec, u)
	}
	cost.Exec = proxymodel.Nanos(float64(b.empty().cpu()) + forkCost*c.ratio)
	var add bytes.Buffer
	for i := range ipsetEntries {
		fmt.Fprintf(&add, "add redline-0 %s,tcp:80\n", serviceIP(i))
	}
	if _, err := ns.run(ctx, add.Bytes(), path, "restore"); err != nil {
		return err
	}
	var lists []usage
	for range 3 {
		u, err := ns.run(ctx, nil, path, "list", "redline-0")
		if err != nil {
			return err
		}
		lists = append(lists, u)
	}
	cost.Entry = proxymodel.Nanos(max(0, medianUsage(lists).cpu()-b.empty().cpu()) / ipsetEntries)
	return nil
}

const (
	ipsetEntries = 4000

	// ipvsLibrary is the cost, in nanoseconds, that kube-proxy's library adds to a request when it
	// encodes and decodes it. It is assumed.
	ipvsLibrary = 4000
)

// netlinkTrip returns the processor time of one generic netlink request and its answer: here for
// the family of the controller itself.
func netlinkTrip() (time.Duration, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_GENERIC)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	const rounds = 200
	request, answer := familyRequest(), make([]byte, 4096)
	var times []time.Duration
	for range 5 {
		times = append(times, threadTime(func() {
			for range rounds {
				if err == nil {
					err = unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
				}
				if err == nil {
					_, _, err = unix.Recvfrom(fd, answer, 0)
				}
			}
		}))
	}
	return medianTime(times) / rounds, err
}

// familyRequest asks for a family of generic netlink by its name.
func familyRequest() []byte {
	const name = "nlctrl\x00"
	size := netlinkHeader + unix.GENL_HDRLEN + attributeHeader + len(name)
	b := make([]byte, align4(size))
	nativeEndian.PutUint32(b, uint32(len(b)))
	nativeEndian.PutUint16(b[4:], unix.GENL_ID_CTRL)
	nativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST)
	b[netlinkHeader] = unix.CTRL_CMD_GETFAMILY
	attribute := b[netlinkHeader+unix.GENL_HDRLEN:]
	nativeEndian.PutUint16(attribute, uint16(attributeHeader+len(name)))
	nativeEndian.PutUint16(attribute[2:], unix.CTRL_ATTR_FAMILY_NAME)
	copy(attribute[attributeHeader:], name)
	return b
}
