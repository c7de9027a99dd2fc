package capacity_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
)

var (
	named    = metav1.ObjectMeta{Name: "web", Namespace: "shop"}
	ofWeb    = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	template = web(1).Template
)

func job(edit func(*batchv1.Job)) *batchv1.Job {
	j := &batchv1.Job{ObjectMeta: named, Spec: batchv1.JobSpec{Template: template}}
	edit(j)
	return j
}

// Every kind gives the replicas that its controller would keep, and a name for the sentences.
func TestWorkloadOf(t *testing.T) {
	for name, c := range map[string]struct {
		object   runtime.Object
		replicas int
	}{
		"Deployment": {&appsv1.Deployment{ObjectMeta: named,
			Spec: appsv1.DeploymentSpec{Replicas: ptr.To[int32](7), Selector: ofWeb, Template: template}}, 7},
		"without a count": {&appsv1.Deployment{ObjectMeta: named,
			Spec: appsv1.DeploymentSpec{Selector: ofWeb, Template: template}}, 1},
		"ReplicaSet": {&appsv1.ReplicaSet{ObjectMeta: named,
			Spec: appsv1.ReplicaSetSpec{Replicas: ptr.To[int32](0), Selector: ofWeb, Template: template}}, 0},
		"StatefulSet": {&appsv1.StatefulSet{ObjectMeta: named,
			Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](3), Selector: ofWeb, Template: template}}, 3},
		"ReplicationController": {&corev1.ReplicationController{ObjectMeta: named,
			Spec: corev1.ReplicationControllerSpec{
				Replicas: ptr.To[int32](2), Template: &template}}, 2},
		"Job":             {job(func(*batchv1.Job) {}), 1},
		"Job in parallel": {job(func(j *batchv1.Job) { j.Spec.Parallelism = ptr.To[int32](5) }), 5},
		"Job of 3": {job(
			func(j *batchv1.Job) { j.Spec.Parallelism, j.Spec.Completions = ptr.To[int32](5), ptr.To[int32](3) }), 3},
		"Job of 3, one at a time": {job(func(j *batchv1.Job) { j.Spec.Completions = ptr.To[int32](3) }), 1},
		"Job, indexed, 8 of 10 done": {job(func(j *batchv1.Job) {
			j.Spec.CompletionMode = ptr.To(batchv1.IndexedCompletion)
			j.Spec.Parallelism, j.Spec.Completions, j.Status.Succeeded = ptr.To[int32](5), ptr.To[int32](10), 8
		}), 2},
		"Job, suspended": {job(func(j *batchv1.Job) {
			j.Spec.Parallelism, j.Spec.Suspend = ptr.To[int32](5),
				ptr.To(true)
		}), 0},
		"Job, failed": {job(func(j *batchv1.Job) {
			j.Spec.Parallelism = ptr.To[int32](5)
			j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}
		}), 0},
		"Pod": {&corev1.Pod{ObjectMeta: named, Spec: template.Spec}, 1},
	} {
		w, err := capacity.WorkloadOf(c.object)
		require.NoError(t, err, name)
		assert.True(t, capacity.IsWorkload(c.object), name)
		assert.Equal(t, c.replicas, w.Replicas, name)
		assert.Equal(t, "shop", w.Namespace, name)
		if name == "Pod" {
			assert.Nil(t, w.Selector)
			assert.Equal(t, "web", w.Template.Name)
		} else {
			assert.Equal(t, "web-", w.Template.GenerateName, name)
			assert.NotNil(t, w.Selector, name)
		}
	}
	for _, object := range []runtime.Object{nil, &corev1.Service{}, &batchv1.CronJob{}} {
		_, err := capacity.WorkloadOf(object)
		assert.Error(t, err, "%T", object)
		assert.False(t, capacity.IsWorkload(object), "%T", object)
	}
}

// The claims of a StatefulSet are one for each replica: where those bind is not counted here.
func TestStatefulSetClaims(t *testing.T) {
	set := &appsv1.StatefulSet{ObjectMeta: named, Spec: appsv1.StatefulSetSpec{Selector: ofWeb, Template: template,
		VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}}}}
	w, err := capacity.WorkloadOf(set)
	require.NoError(t, err)
	assert.Empty(t, set.Spec.Template.Spec.Volumes, "the object is not changed")
	snapshot, err := capacity.NewSnapshot(bulkNode(1))
	require.NoError(t, err)
	_, err = snapshot.Fit(t.Context(), w)
	assert.ErrorIs(t, err, capacity.ErrNeedsScheduler)
	assert.ErrorContains(t, err, "capacity: VolumeBinding (spec.volumes[0] data)")
}

// The controller puts the claim in the place of a volume that the template has by the same name.
func TestStatefulSetClaimReplacesVolume(t *testing.T) {
	set := &appsv1.StatefulSet{ObjectMeta: named,
		Spec: appsv1.StatefulSetSpec{Selector: ofWeb, Template: *template.DeepCopy(),
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}}}}
	set.Spec.Template.Spec.Volumes = []corev1.Volume{
		{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	before := set.DeepCopy()
	w, err := capacity.WorkloadOf(set)
	require.NoError(t, err)
	assert.Equal(t, before, set, "the object is not changed")
	require.Len(t, w.Template.Spec.Volumes, 2)
	assert.Equal(t, "tmp", w.Template.Spec.Volumes[0].Name)
	assert.Equal(t, "data", w.Template.Spec.Volumes[1].Name)
	assert.NotNil(t, w.Template.Spec.Volumes[1].Ephemeral)
}

func TestBadWorkloads(t *testing.T) {
	minus := template.DeepCopy()
	minus.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("-1")}
	deployment := func(edit func(*appsv1.DeploymentSpec)) *appsv1.Deployment {
		d := &appsv1.Deployment{ObjectMeta: named, Spec: appsv1.DeploymentSpec{Selector: ofWeb, Template: template}}
		edit(&d.Spec)
		return d
	}
	for want, object := range map[string]runtime.Object{
		"capacity: Workload.Replicas is -1, want >= 0 (Deployment web)": deployment(
			func(s *appsv1.DeploymentSpec) { s.Replicas = ptr.To[int32](-1) }),
		"capacity: Deployment web: spec.selector is missing, want a label selector": deployment(
			func(s *appsv1.DeploymentSpec) { s.Selector = nil }),
		"capacity: Workload.Template.Spec.Containers is empty, want at least one container (Deployment " +
			"web)": deployment(func(s *appsv1.DeploymentSpec) {
			s.Template = corev1.PodTemplateSpec{}
		}),
		"capacity: Workload.Template: spec.containers[web].resources.limits[cpu] is -1, want >= 0 (Deployment " +
			"web)": deployment(func(s *appsv1.DeploymentSpec) {
			s.Template = *minus
		}),
		"capacity: ReplicationController web: spec.template is missing, want a pod " +
			"template": &corev1.ReplicationController{ObjectMeta: named},
		"capacity: WorkloadOf: object is *v1.DaemonSet, want a Deployment, ReplicaSet, ReplicationController, " +
			"StatefulSet, Job or Pod": &appsv1.DaemonSet{ObjectMeta: named},
		"capacity: WorkloadOf: object is *v1.CronJob, want a Deployment, ReplicaSet, ReplicationController, " +
			"StatefulSet, Job or Pod": &batchv1.CronJob{ObjectMeta: named},
		"capacity: WorkloadOf: object is nil, want a Deployment, ReplicaSet, ReplicationController, StatefulSet, Job " +
			"or Pod": (*appsv1.Deployment)(nil),
	} {
		w, err := capacity.WorkloadOf(object)
		assert.EqualError(t, err, want)
		assert.Equal(t, capacity.Workload{}, w)
	}
	snapshot, err := capacity.NewSnapshot(bulkNode(1))
	require.NoError(t, err)
	_, err = snapshot.Fit(t.Context(), web(-1))
	assert.EqualError(t, err, "capacity: Workload.Replicas is -1, want >= 0")
	unparsable := web(1)
	unparsable.Template.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{
			{Weight: 1, Preference: corev1.NodeSelectorTerm{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "a",
					Operator: corev1.NodeSelectorOpLt, Values: []string{"x"}}}}}}}}
	_, err = snapshot.Fit(t.Context(), unparsable)
	assert.EqualError(t, err, `capacity: Workload.Template: `+
		`spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].matchExpressions[0].values[0]: `+
		`Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`)
	_, err = snapshot.With((*corev1.Node)(nil))
	assert.EqualError(t, err, "capacity: With: object 0 is nil, want a Kubernetes object")
	_, err = capacity.WorkloadOf(nil)
	assert.ErrorContains(t, err, "object is nil")
}

// What a template has that only a stored pod may have, or that misses a limit, is counted and said.
func TestLiberties(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1))
	require.NoError(t, err)
	w := web(1)
	w.Selector = labels.Nothing()
	w.Template.Spec.Priority, w.Template.Spec.PreemptionPolicy = ptr.To[int32](7), ptr.To(corev1.PreemptNever)
	w.Template.Spec.Containers[0].Resources.Requests["example.com/gpu"] = resource.MustParse("1")
	answer, err := snapshot.Fit(t.Context(), w)
	require.NoError(t, err)
	assert.Equal(t, 1, answer.Pending)
	var said []string
	for _, warning := range answer.Warnings {
		said = append(said, warning.Error())
	}
	classes := web(1)
	classes.Template.Spec.PriorityClassName, classes.Template.Spec.RuntimeClassName = "high", ptr.To("kata")
	refused, err := snapshot.Fit(t.Context(), classes)
	require.NoError(t, err)
	assert.Equal(t, `pods "Unknown" is forbidden: no PriorityClass with name high was found`, refused.Refusal)
	assert.Len(t, refused.Warnings, 2, "a dump that leaves out a kind is told from a class that is missing")
	const end = "; counted as it stands, though the API server refuses that in a new pod"
	assert.Equal(t, []string{
		"capacity: Workload.Template: spec.priority is 7, its class gives 0" + end,
		"capacity: Workload.Template: spec.preemptionPolicy is Never, its class gives PreemptLowerPriority" + end,
		"capacity: Workload.Template: spec.containers[0].resources.requests has example.com/gpu, limits has not" + end,
	}, said)
}
