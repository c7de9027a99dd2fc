package retry

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrInput is wrapped by every error about an input of this package.
var ErrInput = errors.New("invalid input")

func bad(field string, value any, want string) error {
	return fmt.Errorf("retry: %s is %v, want %s (%w)", field, value, want, ErrInput)
}

// ratio wants a number from 0 to 1.
func ratio(field string, value float64) error {
	if !(value >= 0 && value <= 1) {
		return bad(field, value, "0 to 1")
	}
	return nil
}

// The widest ranges that this package computes with.
const (
	mostTime  = 1000 * time.Hour
	leastRate = 1e-3 // a second
	mostRate  = 1e6  // a second, and tokens of a burst
	mostPods  = 1_000_000_000
)

// within wants zero, which is the default, or a number from low to high.
func within[T ~int | ~int64 | ~float64](field string, value, low, high T) error {
	if value == 0 || low <= value && value <= high {
		return nil
	}
	return bad(field, value, fmt.Sprintf("0 (the default) or %v to %v", plain(low), plain(high)))
}

// plain returns a number without an exponent, as people enter it.
func plain(x any) any {
	if f, ok := x.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return x
}
