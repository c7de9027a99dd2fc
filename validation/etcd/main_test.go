package etcd

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/redline-go/redline/validation/etcd/harness"
)

func TestMain(m *testing.M) {
	harness.Serve()
	flag.Parse()
	if err := flag.Set("test.parallel", fmt.Sprint(sideBySide)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// sideBySide is the number of parallel tests that run at once. They wait for disks, timers and
// rates, not for the processors, so two processors take more than two of them.
const sideBySide = 8

// long reports whether the long form is asked for.
func long() bool { return os.Getenv("REDLINE_LONG") != "" }

// limited returns a context that ends before go test's own limit would leave processes behind.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func ms(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// key is the length of the keys in bytes, as in the measurements of etcdmodel/testdata.
const key = 46
