package scheduler

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

const (
	waitClass = `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: local},
  provisioner: kubernetes.io/no-provisioner,
  volumeBindingMode: WaitForFirstConsumer}`
	gpuClass = `{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: gpu}, spec: {selectors: ` +
		`[{cel: {expression: "device.driver == 'gpu.example.com'"}}]}}`
	gpuTemplate = `{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate,
  metadata: {name: one, namespace: default},
  spec: {spec: {devices: {requests: [{name: r,
    exactly: {deviceClassName: gpu, allocationMode: ExactCount, count: 1}}]}}}}`
)

// disk is a local volume of a node.
func disk(name, node string) string {
	return `{apiVersion: v1, kind: PersistentVolume, metadata: {name: ` + name + `},
  spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce],
  storageClassName: local, local: {path: /x}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [
  {key: kubernetes.io/hostname, operator: In, values: [` + node + `]}]}]}}}, status: {phase: Available}}`
}

// gpus are two devices of a node.
func gpus(node string) string {
	return `{apiVersion: resource.k8s.io/v1, kind: ResourceSlice, metadata: {name: ` + node +
		`}, spec: {driver: gpu.example.com, nodeName: ` + node +
		`, pool: {name: ` + node + `, resourceSliceCount: 1, generation: 1}, devices: [{name: gpu-0}, {name: gpu-1}]}}`
}

// Each replica has a claim of its own for its ephemeral volume, bound to a volume that nobody else
// has.
func TestEphemeralVolumes(t *testing.T) {
	ephemeral := func(s *corev1.PodSpec) {
		claim := corev1.PersistentVolumeClaimSpec{StorageClassName: ptr.To("local"),
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}}
		claim.Resources.Requests = corev1.ResourceList{
			corev1.ResourceStorage: s.Containers[0].Resources.Requests[corev1.ResourceCPU]}
		s.Volumes = []corev1.Volume{{Name: "data",
			VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
				VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: claim}}}}}
	}
	s := read(t, machine("a", "1"), machine("b", "2"), waitClass, disk("d1", "a"), disk("d2", "b"), disk("d3", "b"))
	placements, answer, err := newEngine(t, Config{}).Place(t.Context(), s, web(5, "1", ephemeral))
	require.NoError(t, err)
	assert.Equal(t, []int{3, 2}, []int{answer.Fits, answer.Pending})
	byNode := map[string]int{}
	for _, p := range placements {
		byNode[p.Node]++
	}
	assert.Equal(t, map[string]int{"a": 1, "b": 2}, byNode)
	assert.Contains(t, answer.Message, "2 node(s) didn't find available persistent volumes to bind")

	// A claim of the name of the first replica's belongs to another pod, so numbering goes on
	// beyond it.
	taken := `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: web-0-data, namespace: default},
  spec: {accessModes: [ReadWriteOnce],
  storageClassName: local, resources: {requests: {storage: 1Gi}}}, status: {phase: Pending}}`
	s = read(t, machine("a", "1"), waitClass, disk("d1", "a"), taken)
	placements, _, err = newEngine(t, Config{}).Place(t.Context(), s, web(2, "1", ephemeral))
	require.NoError(t, err)
	assert.Equal(t, []string{"default/web-1 a"}, where(placements))
}

// Each replica gets a claim from the template and a device for it; a claim by name is shared.
func TestDevices(t *testing.T) {
	claims := func(c corev1.PodResourceClaim) func(*corev1.PodSpec) {
		return func(s *corev1.PodSpec) {
			s.ResourceClaims = []corev1.PodResourceClaim{c}
			s.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: c.Name}}
		}
	}
	s := read(t, machine("a", "1"), machine("b", "2"), gpuClass, gpuTemplate, gpus("a"), gpus("b"),
		`{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: shared, namespace: default},
  spec: {devices: {requests: [{name: r, exactly: {deviceClassName: gpu, allocationMode: ExactCount, count: 1}}]}}}`)
	placements, answer, err := newEngine(t, Config{}).Place(t.Context(), s,
		web(6, "100m", claims(corev1.PodResourceClaim{Name: "g", ResourceClaimTemplateName: ptr.To("one")})))
	require.NoError(t, err)
	byNode := map[string]int{}
	for _, p := range placements {
		byNode[p.Node]++
	}
	assert.Equal(t, map[string]int{"a": 2, "b": 2}, byNode, "two devices a node")
	assert.Equal(t, 2, answer.Pending)
	assert.Contains(t, answer.Message, "2 cannot allocate all claims")

	placements, answer, err = newEngine(t, Config{}).Place(t.Context(), s,
		web(6, "1", claims(corev1.PodResourceClaim{Name: "g", ResourceClaimName: ptr.To("shared")})))
	require.NoError(t, err)
	assert.Equal(t, 4, answer.Fits, "the claim is allocated on one node, which has 4 cores")
	for _, p := range placements {
		assert.Equal(t, placements[0].Node, p.Node)
	}
	_, answer, err = newEngine(t, Config{}).Place(t.Context(), s,
		web(1, "1", claims(corev1.PodResourceClaim{Name: "g", ResourceClaimTemplateName: ptr.To("none")})))
	require.NoError(t, err)
	assert.Zero(t, answer.Fits)
	assert.Contains(t, answer.Message, `pod "default/web-0": `)
	d, err := newEngine(t, Config{}).Explain(t.Context(), s,
		podOf("1", claims(corev1.PodResourceClaim{Name: "g", ResourceClaimTemplateName: ptr.To("one")})))
	require.NoError(t, err)
	assert.Equal(t, 2, d.Feasible)
}

// A claim that is allocated where the pod cannot go, and that nobody uses, is taken back for it.
func TestIdleClaimsAreDeallocated(t *testing.T) {
	s := read(t, machine("a", "1"), machine("b", "2"), gpuClass, gpus("a"), gpus("b"), bound("full", "a", "4", 0),
		`{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: shared, namespace: default},
  spec: {devices: {requests: [{name: r, exactly: {deviceClassName: gpu, allocationMode: ExactCount, count: 1}}]}},
  status: {allocation: {devices: {results: [{request: r, driver: gpu.example.com, pool: a, device: gpu-0}]},
    nodeSelector: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [a]}]}]}}}}`)
	placements, answer, err := newEngine(t, Config{}).Place(t.Context(), s, web(1, "1", func(s *corev1.PodSpec) {
		s.ResourceClaims = []corev1.PodResourceClaim{{Name: "g", ResourceClaimName: ptr.To("shared")}}
	}))
	require.NoError(t, err)
	assert.Equal(t, []string{"default/web-0 b"}, where(placements), answer.Message)
}
