package scheduler

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/storage/ephemeral"
)

// provide makes what the controllers would make for a new replica before it can be scheduled: a
// ResourceClaim for each template it names, a PersistentVolumeClaim for each generic ephemeral
// volume. It makes no claim whose name is taken, since VolumeBinding looks whose it is. The pod is
// changed.
func (r *run) provide(pod *corev1.Pod) error {
	if err := r.provideClaims(pod); err != nil {
		return err
	}
	for _, v := range pod.Spec.Volumes {
		name := ephemeral.VolumeClaimName(pod, &v)
		if v.Ephemeral == nil || v.Ephemeral.VolumeClaimTemplate == nil || r.hasVolumeClaim(pod.Namespace, name) {
			continue
		}
		t := v.Ephemeral.VolumeClaimTemplate
		pvc := &corev1.PersistentVolumeClaim{ObjectMeta: owned(pod, name, t.ObjectMeta), Spec: *t.Spec.DeepCopy(),
			Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}}
		if err := r.shelf.add(pvc); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) hasVolumeClaim(namespace, name string) bool {
	_, ok, _ := r.shelf.informer(&corev1.PersistentVolumeClaim{}).indexer.GetByKey(namespace + "/" + name)
	return ok
}

// unclaimed skips the numbers of replicas whose ephemeral volumes' claims are there already, since
// those are another pod's.
func (r *run) unclaimed(pod *corev1.Pod, name func(i int) string) func(i int) string {
	volumes := slices.DeleteFunc(slices.Clone(pod.Spec.Volumes),
		func(v corev1.Volume) bool { return v.Ephemeral == nil })
	if len(volumes) == 0 {
		return name
	}
	claimed := func(i int) bool {
		return slices.ContainsFunc(volumes, func(v corev1.Volume) bool {
			return r.hasVolumeClaim(pod.Namespace,
				ephemeral.VolumeClaimName(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name(i)}}, &v))
		})
	}
	var free []int // the numbers of the replicas so far
	next := 0
	return func(i int) string {
		for ; len(free) <= i; next++ {
			if !claimed(next) {
				free = append(free, next)
			}
		}
		return name(free[i])
	}
}

func (r *run) provideClaims(pod *corev1.Pod) error {
	have := map[string]bool{}
	for _, s := range pod.Status.ResourceClaimStatuses {
		have[s.Name] = true
	}
	var made []corev1.PodResourceClaimStatus
	for _, c := range pod.Spec.ResourceClaims {
		if c.ResourceClaimTemplateName == nil || have[c.Name] {
			continue
		}
		obj, ok, _ := r.shelf.informer(&resourceapi.ResourceClaimTemplate{}).indexer.GetByKey(pod.Namespace + "/" +
			*c.ResourceClaimTemplateName)
		if !ok {
			continue // the plugin says so, in its own words
		}
		t := obj.(*resourceapi.ResourceClaimTemplate)
		claim := &resourceapi.ResourceClaim{ObjectMeta: owned(pod, pod.Name+"-"+c.Name, t.Spec.ObjectMeta),
			Spec: *t.Spec.Spec.DeepCopy()}
		if err := r.shelf.add(claim); err != nil {
			return err
		}
		made = append(made, corev1.PodResourceClaimStatus{Name: c.Name, ResourceClaimName: &claim.Name})
	}
	pod.Status.ResourceClaimStatuses = append(slices.Clone(pod.Status.ResourceClaimStatuses), made...)
	return nil
}

// owned returns the metadata of an object that a controller makes for a pod.
func owned(pod *corev1.Pod, name string, from metav1.ObjectMeta) metav1.ObjectMeta {
	yes := true
	return metav1.ObjectMeta{
		Namespace: pod.Namespace, Name: name, UID: types.UID(pod.Namespace + "/" + name), ResourceVersion: "1",
		Labels: from.Labels, Annotations: from.Annotations,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID,
			Controller: &yes, BlockOwnerDeletion: &yes}},
	}
}

// bindClaims writes the claims of a pod that was just reserved, as PreBind would through the API
// server. They are allocated and reserved for the pod, so that the next replica may share them.
func (r *run) bindClaims(pod *corev1.Pod) error {
	for _, c := range pod.Spec.ResourceClaims {
		name := claimName(pod, c)
		if name == "" {
			continue
		}
		claims := r.claims.ResourceClaims()
		claim, err := claims.Get(pod.Namespace, name)
		if err != nil {
			return errorf("claim %s/%s: %v", pod.Namespace, name, err)
		}
		claim = claim.DeepCopy()
		if a := claims.GetPendingAllocation(claim.UID); a != nil {
			claim.Status.Allocation = a
		}
		claim.Status.ReservedFor = append(claim.Status.ReservedFor,
			resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: pod.Name, UID: pod.UID})
		if err := claims.AssumeClaimAfterAPICall(claim); err != nil {
			return errorf("claim %s/%s: %v", pod.Namespace, name, err)
		}
		claims.MaybeRemoveClaimPendingAllocation(claim.UID, true)
	}
	return nil
}

// claimName returns the name of the ResourceClaim behind the pod's claim, or "" if there is none
// yet.
func claimName(pod *corev1.Pod, c corev1.PodResourceClaim) string {
	if c.ResourceClaimName != nil {
		return *c.ResourceClaimName
	}
	for _, s := range pod.Status.ResourceClaimStatuses {
		if s.Name == c.Name && s.ResourceClaimName != nil {
			return *s.ResourceClaimName
		}
	}
	return ""
}
