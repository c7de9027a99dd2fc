package metrics

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// An Error says what is wrong with a page. Its text is printable and short whatever the page holds.
type Error struct {
	Page int    // 1 for the first of several pages; 0 where there is one
	Text string // "etcd_server_version is missing, want ..."
}

// Error returns the text after "metrics page".
func (e *Error) Error() string {
	if e.Page > 0 {
		return fmt.Sprintf("metrics page %d: %s", e.Page, e.Text)
	}
	return "metrics page: " + e.Text
}

// Bad returns an error about a metric of the snapshot: what it is and what is wanted. Both must be
// the caller's own words.
func (s Snapshot) Bad(metric, is, want string) error {
	return &Error{pageNumber(s.Page, s.pages), fmt.Sprintf("%s is %s, want %s", metric, is, want)}
}

// Missing returns the error for a metric that the page does not have. It says so where the page was
// cut short.
func (s Snapshot) Missing(metric, want string) error {
	is := "missing"
	if s.Cut {
		is = "missing, and the page is cut short: it ends too early"
	}
	return s.Bad(metric, is, want)
}

// pageNumber counts pages from 1, and only where there are several.
func pageNumber(index, pages int) int {
	if pages < 2 {
		return 0
	}
	return index + 1
}

// shown is the number of bytes of a page that an error quotes.
const shown = 60

// Show quotes text of a page: ASCII, and no longer than an error should be.
func Show(text string) string {
	if len(text) <= shown {
		return strconv.QuoteToASCII(text)
	}
	cut := shown
	for cut > shown-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strconv.QuoteToASCII(text[:cut]) + "..."
}
