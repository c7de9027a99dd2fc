package etcdmodel

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrInput is wrapped by every error about a field of the caller's: its text names
// the field, the value and what is wanted.
var ErrInput = errors.New("etcdmodel")

func bad(field string, value any, want string) error {
	return fmt.Errorf("%w: %s is %v, want %s", ErrInput, field, value, want)
}

func checkInt(field string, n, low, high int) error {
	switch {
	case n >= low && n <= high:
		return nil
	case high == math.MaxInt:
		return bad(field, n, fmt.Sprintf(">= %d", low))
	}
	return bad(field, n, fmt.Sprintf("%d to %d", low, high))
}

func checkDuration(field string, d time.Duration) error {
	if d < 0 {
		return bad(field, d, ">= 0")
	}
	return nil
}

func checkFinite(field string, x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
		return bad(field, x, "a finite number >= 0")
	}
	return nil
}
