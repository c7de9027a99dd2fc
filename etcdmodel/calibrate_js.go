package etcdmodel

import (
	"context"
	"errors"
	"fmt"
)

// Calibrate measures the disk under dir. Here, in a browser, there is none: the error wraps [errors.ErrUnsupported].
func Calibrate(_ context.Context, dir string) (Disk, error) {
	return Disk{}, fmt.Errorf("etcdmodel: calibrate %s: no disk under js/wasm: %w", dir, errors.ErrUnsupported)
}
