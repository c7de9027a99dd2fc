//go:build !linux

package proxymodel

import (
	"context"
	"errors"
	"time"
)

func kernelSpace(_ context.Context, m *Machine, _ *pace) {
	m.Warnings = append(m.Warnings, unmeasured("iptables and nft", errors.New("this is not Linux")))
}

// threadTime is elapsed time: there is no other clock here.
func threadTime(work func()) time.Duration {
	begin := time.Now()
	work()
	return max(time.Since(begin), time.Microsecond)
}
