package admission

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	resourcehelper "k8s.io/component-helpers/resource"
)

// validateResources does the part of API validation that defaults can break, above all a
// LimitRange's: a default limit below an explicit request, containers that no longer fit into their
// pod (pkg/apis/core/validation/validation.go:8302 and :4926). It does not look for manifests that
// are invalid for other reasons.
func validateResources(pod *corev1.Pod) *Refusal {
	var errs []error
	for _, group := range []struct {
		field      string
		containers []corev1.Container
	}{{"containers", pod.Spec.Containers}, {"initContainers", pod.Spec.InitContainers}} {
		for i := range group.containers {
			errs = append(errs, tooMuch(fmt.Sprintf("spec.%s[%d].resources.requests", group.field, i),
				&group.containers[i].Resources)...)
		}
	}
	if pod.Spec.Resources != nil {
		errs = append(errs, tooMuch("spec.resources.requests", pod.Spec.Resources)...)
		errs = append(errs, tooLittle(pod)...)
	}
	err := utilerrors.NewAggregate(errs)
	if err == nil {
		return nil
	}
	return &Refusal{fmt.Sprintf("Pod %q is invalid: %v", nameOf(pod), err)}
}

// tooMuch lists requests above their limits and, of resources that cannot be overcommitted, also
// those below.
func tooMuch(path string, r *corev1.ResourceRequirements) (errs []error) {
	for _, name := range sortedNames(r.Requests) {
		request, limit := r.Requests[name], r.Limits[name]
		if _, ok := r.Limits[name]; !ok {
			continue
		}
		must := mustBe(name, request, limit)
		if must == "" {
			continue
		}
		errs = append(errs, fmt.Errorf("%s: Invalid value: %q: %s %s limit of %s", path, request.String(), must, name,
			limit.String()))
	}
	return errs
}

// tooLittle lists the pod's own resources that are too small for its containers.
func tooLittle(pod *corev1.Pod) (errs []error) {
	podLevel := pod.Spec.Resources
	sum := resourcehelper.AggregateContainerRequests(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range sortedNames(sum) {
		asked := sum[name]
		if q, ok := podLevel.Requests[name]; ok && asked.Cmp(q) > 0 {
			errs = append(errs,
				fmt.Errorf("spec.resources.requests[%s]: Invalid value: %q: must be greater than or equal to "+
					"aggregate container requests of %s",
					name, q.String(), asked.String()))
		}
	}
	sum = resourcehelper.AggregateContainerLimits(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range sortedNames(sum) {
		asked := sum[name]
		if q, ok := podLevel.Limits[name]; ok && strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) &&
			asked.Cmp(q) > 0 {
			errs = append(errs,
				fmt.Errorf("spec.resources.limits[%s]: Invalid value: %q: must be greater than or equal to aggregate "+
					"container limits of %s",
					name, q.String(), asked.String()))
		}
	}
	for i := range pod.Spec.Containers {
		limits := pod.Spec.Containers[i].Resources.Limits
		for _, name := range sortedNames(limits) {
			limit := limits[name]
			if q, ok := podLevel.Limits[name]; ok && limit.Cmp(q) > 0 {
				errs = append(errs,
					fmt.Errorf(
						"spec.resources.containers[%d][%s].limits: Invalid value: %q: must be less than or equal to "+
							"pod "+
							"limits of %s",
						i, name, limit.String(), q.String()))
			}
		}
	}
	return errs
}
