package oracle

import (
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/client-go/tools/cache"
)

// claimsReserved reports whether every claim of the pod in the store is allocated and reserved for
// it.
func claimsReserved(store cache.Store, p *corev1.Pod) bool {
	for _, c := range p.Spec.ResourceClaims {
		name := claimName(p, c)
		if name == "" {
			continue
		}
		obj, ok, _ := store.GetByKey(p.Namespace + "/" + name)
		if !ok || !reservedFor(obj.(*resourceapi.ResourceClaim), p) {
			return false
		}
	}
	return true
}

func claimName(p *corev1.Pod, c corev1.PodResourceClaim) string {
	if c.ResourceClaimName != nil {
		return *c.ResourceClaimName
	}
	for _, s := range p.Status.ResourceClaimStatuses {
		if s.Name == c.Name && s.ResourceClaimName != nil {
			return *s.ResourceClaimName
		}
	}
	return ""
}

func reservedFor(c *resourceapi.ResourceClaim, p *corev1.Pod) bool {
	for _, r := range c.Status.ReservedFor {
		if r.UID == p.UID {
			return c.Status.Allocation != nil
		}
	}
	return false
}
