package oracle

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// provide plays the controllers that make, for a new pod, a ResourceClaim of each template and a
// PersistentVolumeClaim of each generic ephemeral volume.
//
// All are made before the scheduler starts, so that its caches have them. Nobody but their pod
// looks at them. The pods' statuses name their claims.
func provide(objects []runtime.Object, pods []*corev1.Pod) []runtime.Object {
	templates := map[string]*resourceapi.ResourceClaimTemplate{}
	for _, obj := range objects {
		if t, ok := obj.(*resourceapi.ResourceClaimTemplate); ok {
			templates[t.Namespace+"/"+t.Name] = t
		}
	}
	var made []runtime.Object
	for _, p := range pods {
		for _, v := range p.Spec.Volumes {
			if v.Ephemeral == nil || v.Ephemeral.VolumeClaimTemplate == nil {
				continue
			}
			made = append(made, &corev1.PersistentVolumeClaim{ObjectMeta: ownedBy(p, v.Name),
				Spec:   *v.Ephemeral.VolumeClaimTemplate.Spec.DeepCopy(),
				Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}})
		}
		for _, c := range p.Spec.ResourceClaims {
			if c.ResourceClaimTemplateName == nil {
				continue
			}
			t := templates[p.Namespace+"/"+*c.ResourceClaimTemplateName]
			if t == nil {
				continue
			}
			claim := &resourceapi.ResourceClaim{ObjectMeta: ownedBy(p, c.Name), Spec: *t.Spec.Spec.DeepCopy()}
			made = append(made, claim)
			p.Status.ResourceClaimStatuses = append(p.Status.ResourceClaimStatuses,
				corev1.PodResourceClaimStatus{Name: c.Name, ResourceClaimName: &claim.Name})
		}
	}
	return append(made, objects...)
}

func ownedBy(p *corev1.Pod, name string) metav1.ObjectMeta {
	yes := true
	return metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name + "-" + name,
		UID: types.UID(p.Namespace + "/" + p.Name + "-" + name),
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID,
			Controller: &yes, BlockOwnerDeletion: &yes}}}
}

// writeClaims does DynamicResources' PreBind for a pod that also has volumes, whose PreBind would
// wait for a volume controller. It writes the claims through the API and puts them into the
// scheduler's view of them.
func (b *bench) writeClaims(ctx context.Context, fw framework.Framework, p *corev1.Pod) error {
	claims := fw.SharedDRAManager().ResourceClaims()
	for _, c := range p.Spec.ResourceClaims {
		name := claimName(p, c)
		if name == "" {
			continue
		}
		claim, err := claims.Get(p.Namespace, name)
		if err != nil {
			return fmt.Errorf("oracle: claim %s/%s: %w", p.Namespace, name, err)
		}
		claim = claim.DeepCopy()
		if a := claims.GetPendingAllocation(claim.UID); a != nil {
			claim.Status.Allocation = a
		}
		claim.Status.ReservedFor = append(claim.Status.ReservedFor,
			resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: p.Name, UID: p.UID})
		if claim, err = b.client.ResourceV1().ResourceClaims(p.Namespace).UpdateStatus(ctx, claim,
			metav1.UpdateOptions{}); err != nil {
			return err
		}
		if err := claims.AssumeClaimAfterAPICall(claim); err != nil {
			return err
		}
		claims.MaybeRemoveClaimPendingAllocation(claim.UID, true)
	}
	return nil
}
