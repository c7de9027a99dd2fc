package measure

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// netlinkBatch is one nftables transaction, as netlink carries it.
type netlinkBatch struct {
	out      []byte
	message  int   // where the open message begins
	nests    []int // where the open attributes begin
	messages int
}

func newBatch() *netlinkBatch {
	b := &netlinkBatch{}
	b.open(unix.NFNL_MSG_BATCH_BEGIN, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.close()
	return b
}

// add opens a message that makes an nftables object of table ip kube-proxy.
func (b *netlinkBatch) add(kind uint16, tableAttribute uint16) {
	b.open(unix.NFNL_SUBSYS_NFTABLES<<8|kind, unix.AF_INET, 0)
	b.text(tableAttribute, "kube-proxy")
}

func (b *netlinkBatch) open(kind uint16, family byte, resource uint16) {
	b.message = len(b.out)
	b.out = append(b.out, make([]byte, netlinkHeader+nftablesHeader)...)
	h := b.out[b.message:]
	nativeEndian.PutUint16(h[4:], kind)
	nativeEndian.PutUint16(h[6:], unix.NLM_F_REQUEST|unix.NLM_F_CREATE)
	h[netlinkHeader] = family
	binary.BigEndian.PutUint16(h[netlinkHeader+2:], resource)
}

func (b *netlinkBatch) close() {
	nativeEndian.PutUint32(b.out[b.message:], uint32(len(b.out)-b.message))
	b.messages++
}

func (b *netlinkBatch) attribute(kind uint16, value ...byte) {
	b.nest(kind)
	b.out = append(b.out, value...)
	b.unnest()
}

func (b *netlinkBatch) text(kind uint16, s string) { b.attribute(kind, append([]byte(s), 0)...) }

func (b *netlinkBatch) number(kind uint16, v uint32) {
	b.attribute(kind, binary.BigEndian.AppendUint32(nil, v)...)
}

// nest opens an attribute that holds others.
func (b *netlinkBatch) nest(kind uint16) {
	b.nests = append(b.nests, len(b.out))
	b.out = append(b.out, 0, 0, 0, 0)
	nativeEndian.PutUint16(b.out[len(b.out)-2:], kind)
}

func (b *netlinkBatch) unnest() {
	at := b.nests[len(b.nests)-1]
	b.nests = b.nests[:len(b.nests)-1]
	nativeEndian.PutUint16(b.out[at:], uint16(len(b.out)-at))
	b.out = append(b.out, make([]byte, align4(len(b.out))-len(b.out))...)
}

var errNoAnswer = errors.New("the kernel did not take the transaction")

// commit runs the transaction in this thread's namespace and returns the processor time it took.
// The kernel works within the system call that sends it.
func (b *netlinkBatch) commit() (took time.Duration, err error) {
	b.open(unix.NFNL_MSG_BATCH_END, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.close()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 2*len(b.out)); err != nil {
		return 0, err
	}
	took = threadTime(func() {
		err = unix.Sendto(fd, b.out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	})
	if err != nil {
		return 0, err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, unix.MSG_DONTWAIT)
	switch {
	case errors.Is(err, unix.EAGAIN): // nothing went wrong, so nothing is said
		return took, nil
	case err != nil:
		return 0, err
	case n >= netlinkHeader+4 && nativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR:
		return 0, unix.Errno(-int32(nativeEndian.Uint32(answer[netlinkHeader:])))
	}
	return 0, errNoAnswer
}
