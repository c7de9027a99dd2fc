package retry

import (
	"errors"
	"fmt"
	"math"
)

// ErrInput is wrapped by every error about an input of this package.
var ErrInput = errors.New("invalid input")

func bad(field string, value any, want string) error {
	return fmt.Errorf("retry: %s is %v, want %s (%w)", field, value, want, ErrInput)
}

// atLeastZero wants a finite number that is not negative.
func atLeastZero[T ~int | ~int64 | ~float64](field string, value T) error {
	if f := float64(value); f < 0 || math.IsNaN(f) || math.IsInf(f, 0) {
		return bad(field, value, "a finite number >= 0")
	}
	return nil
}

// ratio wants a number from 0 to 1.
func ratio(field string, value float64) error {
	if !(value >= 0 && value <= 1) {
		return bad(field, value, "0 to 1")
	}
	return nil
}
