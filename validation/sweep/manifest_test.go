package sweep_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/redline-go/redline/cascade/sweep"
	"github.com/redline-go/redline/validation/internal/apiserver"
)

// A real API server takes the Job as it is written, with unknown fields refused. It takes its pods
// in a namespace under the restricted Pod Security level.
func TestRealAPIServerAcceptsTheManifest(t *testing.T) {
	client := kubernetes.NewForConfigOrDie(apiserver.Start(t))
	ctx := context.Background()
	job, err := sweep.Job{
		Image: "registry.example/sweep:v1", Namespace: "default", Shards: 50, Parallel: 10,
		Args: []string{"-runs=100000"},
	}.Manifest()
	require.NoError(t, err)
	text, err := yaml.Marshal(job)
	require.NoError(t, err)
	made := &batchv1.Job{}
	err = client.BatchV1().RESTClient().Post().Namespace("default").Resource("jobs").
		VersionedParams(&metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}, metav1.ParameterCodec).
		SetHeader("Content-Type", "application/yaml").Body(text).Do(ctx).Into(made)
	require.NoError(t, err)
	require.Equal(t, batchv1.IndexedCompletion, *made.Spec.CompletionMode)
	require.EqualValues(t, 50, *made.Spec.Completions)
	require.EqualValues(t, 10, *made.Spec.Parallelism)

	strict := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "strict", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	_, err = client.CoreV1().Namespaces().Create(ctx, strict, metav1.CreateOptions{})
	require.NoError(t, err)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "shard"}, Spec: made.Spec.Template.Spec}
	_, err = client.CoreV1().Pods("strict").Create(ctx, pod, metav1.CreateOptions{})
	require.NoError(t, err)
	pod.Name, pod.Spec.Containers[0].SecurityContext = "lax", nil
	_, err = client.CoreV1().Pods("strict").Create(ctx, pod, metav1.CreateOptions{})
	require.ErrorContains(t, err, "violates PodSecurity", "the level is in force")
}
