package capacity

import (
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/internal/cluster"
)

// Workload is a pod template with the number of replicas wanted of it.
type Workload struct {
	Namespace string // empty means "default"
	// Template is the pod as a manifest has it, before any defaulting. Its Name or GenerateName is
	// only used in the sentences about it.
	Template corev1.PodTemplateSpec
	// Selector selects the pods of the namespace that are already its replicas. nil selects none.
	Selector labels.Selector
	Replicas int // desired, in all
}

// IsWorkload reports whether [WorkloadOf] reads an object's kind. Use it to pick the workload out
// of a file that holds other objects.
func IsWorkload(object runtime.Object) bool {
	switch object.(type) {
	case *appsv1.Deployment, *appsv1.ReplicaSet, *appsv1.StatefulSet, *corev1.ReplicationController, *batchv1.Job,
		*corev1.Pod:
		return true
	}
	return false
}

// WorkloadOf reads the workload of a Deployment, ReplicaSet, ReplicationController, StatefulSet,
// Job or Pod. Replicas left out count as one, as the API server fills in. A Job wants as many at
// once as its parallelism and its remaining completions allow.
//
// The claim templates of a StatefulSet become ephemeral volumes of the template: one claim for each
// replica, in place of a volume of the same name. Claims that earlier replicas left behind are not
// looked for, though they may bind a new replica to their place. All replicas are created at once,
// whatever the pod management policy.
func WorkloadOf(object runtime.Object) (Workload, error) {
	if cluster.IsNil(object) {
		return Workload{}, errors.New(
			"capacity: WorkloadOf: object is nil, want a Deployment, ReplicaSet, ReplicationController, StatefulSet, " +
				"Job or Pod")
	}
	switch o := object.(type) {
	case *appsv1.Deployment:
		return workload("Deployment", o, &o.Spec.Template, o.Spec.Selector, o.Spec.Replicas)
	case *appsv1.ReplicaSet:
		return workload("ReplicaSet", o, &o.Spec.Template, o.Spec.Selector, o.Spec.Replicas)
	case *appsv1.StatefulSet:
		return statefulSet(o)
	case *corev1.ReplicationController:
		if o.Spec.Template == nil {
			return Workload{},
				fmt.Errorf("capacity: ReplicationController %s: spec.template is missing, want a pod template", o.Name)
		}
		selector := &metav1.LabelSelector{MatchLabels: o.Spec.Selector}
		if len(o.Spec.Selector) == 0 {
			selector.MatchLabels = o.Spec.Template.Labels
		}
		return workload("ReplicationController", o, o.Spec.Template, selector, o.Spec.Replicas)
	case *batchv1.Job:
		return job(o)
	case *corev1.Pod:
		w := Workload{Namespace: o.Namespace, Replicas: 1}
		w.Template = corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}
		return w, check(&w)
	}
	return Workload{}, fmt.Errorf(
		"capacity: WorkloadOf: object is %T, want a Deployment, ReplicaSet, ReplicationController, StatefulSet, Job "+
			"or Pod", object)
}

func workload(kind string, o metav1.Object, template *corev1.PodTemplateSpec, selector *metav1.LabelSelector,
	replicas *int32) (Workload, error) {
	w := Workload{Namespace: o.GetNamespace(), Template: *template, Replicas: 1}
	if replicas != nil {
		w.Replicas = int(*replicas)
	}
	w.Template.Name, w.Template.GenerateName = "", o.GetName()+"-"
	if selector == nil {
		return Workload{}, fmt.Errorf("capacity: %s %s: spec.selector is missing, want a label selector", kind,
			o.GetName())
	}
	var err error
	if w.Selector, err = metav1.LabelSelectorAsSelector(selector); err != nil {
		return Workload{}, fmt.Errorf("capacity: %s %s: spec.selector: %w", kind, o.GetName(), err)
	}
	if err := check(&w); err != nil {
		return Workload{}, fmt.Errorf("%w (%s %s)", err, kind, o.GetName())
	}
	return w, nil
}

// statefulSet gives every replica a claim for each claim template.
func statefulSet(o *appsv1.StatefulSet) (Workload, error) {
	w, err := workload("StatefulSet", o, o.Spec.Template.DeepCopy(), o.Spec.Selector, o.Spec.Replicas)
	if err != nil {
		return Workload{}, err
	}
	for i := range o.Spec.VolumeClaimTemplates {
		claim := &o.Spec.VolumeClaimTemplates[i]
		w.Template.Spec.Volumes = slices.DeleteFunc(w.Template.Spec.Volumes,
			func(v corev1.Volume) bool { return v.Name == claim.Name })
		w.Template.Spec.Volumes = append(w.Template.Spec.Volumes, corev1.Volume{
			Name: claim.Name,
			VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
				VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: claim.Spec},
			}},
		})
	}
	return w, nil
}

// job wants parallelism pods at once, but no more than completions are left. A suspended or ended
// Job wants none.
func job(o *batchv1.Job) (Workload, error) {
	selector := o.Spec.Selector
	if selector == nil { // not stored yet: the server will select by the job's identity
		selector = &metav1.LabelSelector{MatchLabels: map[string]string{batchv1.JobNameLabel: o.Name}}
	}
	replicas := int32(1)
	if o.Spec.Parallelism != nil {
		replicas = *o.Spec.Parallelism
	}
	if o.Spec.Completions != nil {
		replicas = min(replicas, max(*o.Spec.Completions-o.Status.Succeeded, 0))
	}
	if o.Spec.Suspend != nil && *o.Spec.Suspend || ended(o) {
		replicas = 0
	}
	return workload("Job", o, &o.Spec.Template, selector, &replicas)
}

// ended reports whether the Job has run to its end and will make no more pods.
func ended(o *batchv1.Job) bool {
	for _, c := range o.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// check returns an error for a workload that cannot be answered.
func check(w *Workload) error {
	if w.Replicas < 0 {
		return fmt.Errorf("capacity: Workload.Replicas is %d, want >= 0", w.Replicas)
	}
	if len(w.Template.Spec.Containers) == 0 {
		return fmt.Errorf("capacity: Workload.Template.Spec.Containers is empty, want at least one container")
	}
	if err := cluster.CheckPodSpec("Workload.Template", "", &w.Template.Spec); err != nil {
		return fmt.Errorf("capacity: %w", err)
	}
	return nil
}
