package oracle_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/validation/oracle"
)

func TestIncidentSlots(t *testing.T) {
	c := oracle.A()
	r, err := oracle.Run(t.Context(), c.Objects, c.Pod, c.Want, oracle.Options{})
	require.NoError(t, err)
	assert.Len(t, r.Nodes, c.Slots)
	assert.Equal(t, "0/100 nodes are available: 100 Insufficient cpu. preemption: 0/100 nodes are available: 100 No "+
		"preemption victims found for incoming pod.", r.Message)
	t.Log("elapsed", r.Elapsed, "setup", r.Setup)
}

func TestLoopAgreesOnTheCount(t *testing.T) {
	c := oracle.A()
	r, err := oracle.Loop(t.Context(), c.Objects, c.Pod, c.Want)
	require.NoError(t, err)
	assert.Len(t, r.Nodes, c.Slots)
	assert.Contains(t, r.Message, "0/100 nodes are available: 100 Insufficient cpu.")
	t.Log("elapsed", r.Elapsed, "setup", r.Setup)
}
