//go:build !linux

package slowdisk

import (
	"fmt"
	"syscall"
)

const serveVariable = "REDLINE_SLOWDISK_SERVE"

// Serve does nothing here: slow disks are for Linux.
func Serve() {}

// Supported returns an error: there is no slow disk on this system.
func Supported() error { return fmt.Errorf("slowdisk: Linux only: %w", ErrUnsupported) }

func detach(string) error                   { return ErrUnsupported }
func mounted(string) bool                   { return false }
func ownProcessGroup() *syscall.SysProcAttr { return nil }
