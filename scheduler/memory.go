package scheduler

import (
	"context"

	"github.com/go-logr/logr"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	resourceclient "k8s.io/client-go/kubernetes/typed/resource/v1"
)

var discard = logr.Discard()

// writes is the part of an API server that a scheduling cycle writes to: idle claims that
// DynamicResources deallocates in PostFilter. Methods that are not overridden must not be called.
type writes struct {
	kubernetes.Interface
	site *site
}

func (w writes) ResourceV1() resourceclient.ResourceV1Interface { return resourceWrites{site: w.site} }

type resourceWrites struct {
	resourceclient.ResourceV1Interface
	site *site
}

func (w resourceWrites) ResourceClaims(string) resourceclient.ResourceClaimInterface {
	return claimWrites{site: w.site}
}

type claimWrites struct {
	resourceclient.ResourceClaimInterface
	site *site
}

// UpdateStatus stores the claim at once, as if its event had come back.
func (w claimWrites) UpdateStatus(_ context.Context, claim *resourceapi.ResourceClaim, _ metav1.UpdateOptions) (
	*resourceapi.ResourceClaim, error) {
	w.site.deallocated = true
	claims := w.site.claims.ResourceClaims()
	return claim, claims.AssumeClaimAfterAPICall(claim)
}
