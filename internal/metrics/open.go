package metrics

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// limits bound one page.
type limits struct {
	bytes   int64 // after unpacking
	kept    int   // bytes of the lines that are kept
	samples int
}

// standard are the limits of every page. The largest pages known are a kube-apiserver's, of some
// tens of megabytes, and few of their lines are kept.
var standard = limits{bytes: 256 << 20, kept: 64 << 20, samples: 1 << 20}

const maxLine = 256 << 10

// limited reads as much as a page may have.
type limited struct {
	r       io.Reader
	left, n int64
}

// A tooLong is the error for a page of more bytes than that.
type tooLong int64

func (n tooLong) Error() string { return fmt.Sprintf("longer than %d MiB", n>>20) }

func isTooLong(err error) bool {
	var long tooLong
	return errors.As(err, &long)
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, tooLong(l.n)
	}
	n, err := l.r.Read(b[:min(int64(len(b)), l.left)])
	l.left -= int64(n)
	return n, err
}

// counted counts what is read after the headers of an HTTP answer.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// Unpack returns the text of r without what may be around it: gzip, the headers of HTTP, a byte
// order mark, UTF-16. Reading more than most bytes of it is an error.
func Unpack(r io.Reader, most int64) (io.Reader, error) {
	in, _, err := open(r, most)
	return in, err
}

// open takes off what is around a page: gzip, the headers of HTTP, a byte order mark, UTF-16. The
// function returned reports, after the page's end, whether all of it came.
func open(r io.Reader, most int64) (*bufio.Reader, func() error, error) {
	whole := func() error { return nil }
	in := bufio.NewReaderSize(r, 64<<10)
	for range 4 { // gzip around headers around gzip, at most
		head, err := in.Peek(5)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, err
		}
		switch {
		case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
			z, err := gzip.NewReader(in)
			if err != nil {
				return nil, nil, err
			}
			in = bufio.NewReaderSize(&limited{z, most, most}, 64<<10)
		case string(head) == "HTTP/":
			length, err := skipHeaders(in)
			if err != nil {
				return nil, nil, err
			}
			if length >= 0 {
				body := &counted{r: in}
				in = bufio.NewReaderSize(body, 64<<10)
				whole = func() error {
					if body.n < length {
						return fmt.Errorf("cut short: %d bytes of the %d that Content-Length says", body.n, length)
					}
					return nil
				}
			}
		case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
			_, _ = in.Discard(3)
		case bytes.HasPrefix(head, []byte("\xff\xfe")):
			_, _ = in.Discard(2)
			in = bufio.NewReaderSize(&utf16Reader{in: in, order: binary.LittleEndian}, 64<<10)
		case bytes.HasPrefix(head, []byte("\xfe\xff")):
			_, _ = in.Discard(2)
			in = bufio.NewReaderSize(&utf16Reader{in: in, order: binary.BigEndian}, 64<<10)
		default:
			return bufio.NewReaderSize(&limited{in, most, most}, 64<<10), whole, nil
		}
	}
	return nil, nil, errors.New("packed too often")
}

// skipHeaders reads the headers of an HTTP answer, of several in a row after redirects or proxies
// too. It returns the length of the body, or -1.
func skipHeaders(in *bufio.Reader) (int64, error) {
	length := int64(-1)
	status := ""
	for range 1000 {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, errors.New("cut short within the headers of HTTP")
		}
		text := strings.TrimSpace(string(line))
		switch name, value, _ := strings.Cut(text, ":"); {
		case strings.HasPrefix(text, "HTTP/"):
			status, length = text, -1
		case strings.EqualFold(name, "Content-Length"):
			if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil && n >= 0 {
				length = n
			}
		}
		if text != "" {
			continue
		}
		if next, _ := in.Peek(5); string(next) == "HTTP/" {
			continue
		}
		if fields := strings.Fields(status); len(fields) > 1 && fields[1] != "200" {
			return 0, fmt.Errorf("no page but the answer %s", Show(status))
		}
		return length, nil
	}
	return 0, errors.New("a thousand headers of HTTP and more")
}

// utf16Reader turns UTF-16 into UTF-8.
type utf16Reader struct {
	in    io.Reader
	order binary.ByteOrder
	out   []byte // turned, not yet read
	half  rune   // the first of a pair
}

func (u *utf16Reader) Read(b []byte) (int, error) {
	for len(u.out) == 0 {
		var raw [4096]byte
		n, err := io.ReadFull(u.in, raw[:])
		if n < 2 {
			if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return 0, err
		}
		for i := 0; i+1 < n; i += 2 {
			u.add(rune(u.order.Uint16(raw[i:])))
		}
	}
	n := copy(b, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) add(r rune) {
	switch {
	case u.half != 0:
		r, u.half = utf16.DecodeRune(u.half, r), 0
	case utf16.IsSurrogate(r):
		u.half = r
		return
	}
	u.out = utf8.AppendRune(u.out, r)
}
