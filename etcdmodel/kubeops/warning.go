package kubeops

import "fmt"

// A warning shows its text in JSON, where an error has none.
type warning struct{ error }

func warn(format string, args ...any) error { return warning{fmt.Errorf("kubeops: "+format, args...)} }

// Unwrap returns the error that the warning is about.
func (w warning) Unwrap() error { return w.error }

// MarshalText returns the warning as one line.
func (w warning) MarshalText() ([]byte, error) { return []byte(w.Error()), nil }
