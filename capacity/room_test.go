package capacity_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/capacity"
)

// A NodeRoom prints, compares and travels as JSON; one that nobody filled in says nothing.
func TestNodeRoom(t *testing.T) {
	objects, _ := bulk(3)
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	answer, err := snapshot.Max(t.Context(), web(1))
	require.NoError(t, err)
	assert.Equal(t, "[node-000000: 1 (Insufficient cpu) node-000001: 2 (Insufficient cpu) node-000002: 3 "+
		"(Insufficient cpu)]", fmt.Sprint(answer.Nodes))
	text, err := json.Marshal(answer.Nodes[:1])
	require.NoError(t, err)
	assert.JSONEq(t, `[{"node":"node-000000","room":1,"reason":"Insufficient cpu"}]`, string(text))
	var back []capacity.NodeRoom
	require.NoError(t, json.Unmarshal(text, &back))
	assert.True(t, back[0].Equal(answer.Nodes[0]))
	assert.True(t, back[0].Equal(capacity.NewNodeRoom("node-000000", 1, "Insufficient cpu")))
	assert.False(t, back[0].Equal(answer.Nodes[1]))
	assert.Error(t, json.Unmarshal([]byte(`[{"room":"two"}]`), &back))

	var none capacity.NodeRoom
	assert.Equal(t, ": 0", none.String())
	assert.Empty(t, none.Reason())
	assert.Zero(t, capacity.NewNodeRoom("a", -1, "").Room())
	assert.EqualValues(t, 16, unsafe.Sizeof(none), "an answer has one for each node")
}
