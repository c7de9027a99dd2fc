package etcd

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/redline-go/redline/validation/etcd/harness"
)

func TestMain(m *testing.M) {
	harness.Serve()
	os.Exit(m.Run())
}

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
