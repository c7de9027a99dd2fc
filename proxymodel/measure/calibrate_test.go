package measure

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/proxymodel"
)

func TestCalibrateRefusesACancelledContext(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Calibrate(gone)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorContains(t, err, "measure: Calibrate: ")
}

func TestUnmeasuredWrapsBoth(t *testing.T) {
	why := errors.New("no iptables")
	err := unmeasured("iptables", why)
	require.ErrorIs(t, err, proxymodel.ErrUnmeasured)
	require.ErrorIs(t, err, why)
	assert.EqualError(t, err, "measure: iptables: not measured: no iptables")
}
