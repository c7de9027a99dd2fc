package sweep

import (
	"cmp"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// IndexVariable names the environment variable by which an Indexed Job tells a pod its index
// (pkg/controller/job/indexed_job_utils.go).
const IndexVariable = "JOB_COMPLETION_INDEX"

// Job says how a plan is run on a cluster.
type Job struct {
	Name      string // empty: redline-sweep
	Namespace string
	Image     string   // has the sweep command as its entrypoint
	Args      []string // of the sweep command: which plan
	Shards    int      // pods; each runs one shard
	Parallel  int      // pods at a time; zero: all
	Cores     int      // of each pod; zero: 2
}

// Manifest returns a Kubernetes Indexed Job. Each of its pods runs one shard and prints its tally
// as one line of JSON. The merge command of examples/sweep reads what `kubectl logs` prints of all
// of them.
func (j Job) Manifest() (*batchv1.Job, error) {
	switch {
	case j.Image == "":
		return nil, fmt.Errorf("sweep: Job.Image is empty, want the image of the sweep command")
	case j.Shards < 1 || j.Shards > 100_000:
		return nil, fmt.Errorf("sweep: Job.Shards is %d, want 1 to 100000", j.Shards)
	case j.Parallel < 0 || j.Cores < 0:
		return nil, fmt.Errorf("sweep: Job.Parallel, Cores are %d, %d, want >= 0", j.Parallel, j.Cores)
	}
	j.Name = cmp.Or(j.Name, "redline-sweep")
	j.Parallel, j.Cores = cmp.Or(j.Parallel, j.Shards), cmp.Or(j.Cores, 2)
	labels := map[string]string{"app.kubernetes.io/name": j.Name}
	return &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{Name: j.Name, Namespace: j.Namespace, Labels: labels},
		Spec: batchv1.JobSpec{
			CompletionMode:       ptr.To(batchv1.IndexedCompletion),
			Completions:          ptr.To(int32(j.Shards)),
			Parallelism:          ptr.To(int32(j.Parallel)),
			BackoffLimitPerIndex: ptr.To[int32](3),
			Template:             corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: j.pod()},
		},
	}, nil
}

// pod returns the pod of one shard. The restricted Pod Security level admits it.
func (j Job) pod() corev1.PodSpec {
	return corev1.PodSpec{
		RestartPolicy:                corev1.RestartPolicyNever,
		AutomountServiceAccountToken: ptr.To(false),
		Containers: []corev1.Container{{
			Name: "sweep", Image: j.Image, Args: append([]string{fmt.Sprintf("-shards=%d", j.Shards)}, j.Args...),
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU:    *resource.NewQuantity(int64(j.Cores), resource.DecimalSI),
				corev1.ResourceMemory: resource.MustParse("256Mi"),
			}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false),
				ReadOnlyRootFilesystem:   ptr.To(true),
				RunAsNonRoot:             ptr.To(true),
				RunAsUser:                ptr.To[int64](65532),
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
		}},
	}
}
