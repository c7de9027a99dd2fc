package controlplane

import (
	"flag"
	"os"
	"testing"

	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

func TestMain(m *testing.M) {
	slowdisk.Serve() // in a child process that serves a slow disk; returns otherwise
	// The parallel tests wait for most of their time: three run at once, however few the processors.
	// -parallel overrides it.
	if err := flag.Set("test.parallel", "3"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
