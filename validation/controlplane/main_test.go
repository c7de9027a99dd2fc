package controlplane

import (
	"os"
	"testing"

	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

func TestMain(m *testing.M) {
	slowdisk.Serve() // in a child process that serves a slow disk; returns otherwise
	os.Exit(m.Run())
}
