package proxymodel

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/watch"
)

// The computed size equals that of the serializers that the API server uses for a watch.
func TestWatchEventEqualsSerializer(t *testing.T) {
	for _, endpoints := range []int{0, 1, 10, 100} {
		slice := plainObjects(1, endpoints).Slices[0]
		n := slice.Size()
		slice.APIVersion, slice.Kind = "discovery.k8s.io/v1", "EndpointSlice"
		var object, framed bytes.Buffer
		require.NoError(t, protobuf.NewSerializer(nil, nil).Encode(slice, &object))
		event := &metav1.WatchEvent{Type: string(watch.Modified), Object: runtime.RawExtension{Raw: object.Bytes()}}
		w := protobuf.LengthDelimitedFramer.NewFrameWriter(&framed)
		body, err := event.Marshal()
		require.NoError(t, err)
		_, err = w.Write(body)
		require.NoError(t, err)
		assert.Equal(t, framed.Len(), watchEvent(n), endpoints)
	}
}
