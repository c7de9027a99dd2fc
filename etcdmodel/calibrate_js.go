package etcdmodel

import (
	"context"
	"errors"
	"fmt"
)

// Calibrate returns an error that wraps [errors.ErrUnsupported]: there is no disk in a browser.
func Calibrate(_ context.Context, dir string) (Disk, error) {
	return Disk{}, fmt.Errorf("etcdmodel: calibrate %s: no disk under js/wasm: %w", dir, errors.ErrUnsupported)
}
