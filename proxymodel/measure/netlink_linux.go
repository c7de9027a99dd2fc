package measure

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// listed is a kind of object that the kernel lists: the request for it and the attribute that holds
// an object's name.
type listed struct{ request, name uint16 }

var (
	listedChains = listed{unix.NFT_MSG_GETCHAIN, unix.NFTA_CHAIN_NAME}
	listedSets   = listed{unix.NFT_MSG_GETSET, unix.NFTA_SET_NAME} // maps among them
)

// names asks the kernel for all objects of a kind in IPv4 tables. It does as kube-proxy's netlink
// library does (github.com/mdlayher/netlink): it looks at each piece's length, then reads the piece
// into a buffer of its own. That decides how the kernel cuts the answer, and with it how often the
// kernel walks its list from the beginning.
func (l listed) names() (names []string, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, l.dump(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	for {
		n, _, err := unix.Recvfrom(fd, nil, unix.MSG_PEEK|unix.MSG_TRUNC)
		if err != nil {
			return nil, err
		}
		piece := make([]byte, n)
		if n, _, err = unix.Recvfrom(fd, piece, 0); err != nil {
			return nil, err
		}
		var done bool
		if names, done, err = l.read(names, piece[:n]); done || err != nil {
			return names, err
		}
	}
}

// nativeEndian is the order of netlink's own numbers.
var nativeEndian = binary.NativeEndian

const (
	netlinkHeader   = 16 // struct nlmsghdr
	nftablesHeader  = 4  // struct nfgenmsg
	attributeHeader = 4  // struct nlattr

	attributeType = 0x3fff // NLA_TYPE_MASK
)

// dump returns the request for all of them.
func (l listed) dump() []byte {
	b := make([]byte, netlinkHeader+nftablesHeader)
	nativeEndian.PutUint32(b, uint32(len(b)))
	nativeEndian.PutUint16(b[4:], unix.NFNL_SUBSYS_NFTABLES<<8|l.request)
	nativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b[netlinkHeader] = unix.AF_INET
	return b
}

// read adds the names in one piece.
func (l listed) read(names []string, piece []byte) (_ []string, done bool, err error) {
	for len(piece) >= netlinkHeader {
		size, kind := int(nativeEndian.Uint32(piece)), nativeEndian.Uint16(piece[4:])
		if size < netlinkHeader || size > len(piece) {
			return names, false, fmt.Errorf("netlink message of %d bytes, want %d to %d",
				size, netlinkHeader, len(piece))
		}
		body := piece[netlinkHeader:size]
		switch {
		case kind == unix.NLMSG_DONE:
			return names, true, nil
		case kind == unix.NLMSG_ERROR && len(body) >= 4:
			return names, false, unix.Errno(-int32(nativeEndian.Uint32(body)))
		case len(body) > nftablesHeader:
			names = append(names, l.nameIn(body[nftablesHeader:]))
		}
		piece = piece[min(align4(size), len(piece)):]
	}
	return names, false, nil
}

// nameIn walks all attributes of an object, as kube-proxy's library does.
func (l listed) nameIn(attributes []byte) (name string) {
	for len(attributes) >= attributeHeader {
		size := int(nativeEndian.Uint16(attributes))
		if size <= attributeHeader || size > len(attributes) {
			break
		}
		if nativeEndian.Uint16(attributes[2:])&attributeType == l.name {
			name = string(attributes[attributeHeader : size-1]) // it ends with a zero
		}
		attributes = attributes[min(align4(size), len(attributes)):]
	}
	return name
}

func align4(n int) int { return (n + 3) &^ 3 }
