//go:build !linux

package measure

import (
	"context"
	"errors"
	"time"

	"github.com/redline-go/redline/proxymodel"
)

func kernelSpace(_ context.Context, m *proxymodel.Machine, _ *pace) {
	m.Warnings = append(m.Warnings, unmeasured("iptables and nft", errors.New("this is not Linux")))
}

// threadTime returns elapsed time: there is no other clock here.
func threadTime(work func()) time.Duration {
	begin := time.Now()
	work()
	return max(time.Since(begin), time.Microsecond)
}
