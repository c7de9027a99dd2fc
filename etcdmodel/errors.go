package etcdmodel

import (
	"errors"
	"fmt"
)

// ErrInput is wrapped by every error about a field of the caller's: its text names
// the field, the value and what is wanted.
var ErrInput = errors.New("etcdmodel")

func bad(field string, value any, want string) error {
	return fmt.Errorf("%w: %s is %v, want %s", ErrInput, field, value, want)
}
