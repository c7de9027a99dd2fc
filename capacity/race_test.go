//go:build race

package capacity_test

// The race detector makes pools forget at random.
func init() { racing = true }
