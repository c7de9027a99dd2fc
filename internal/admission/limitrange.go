package admission

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	resourcehelper "k8s.io/component-helpers/resource"
)

// limitDefaults gives containers the default requests and limits of the namespace
// (plugin/pkg/admission/limitranger/admission.go, PodMutateLimitFunc).
func limitDefaults(ranges []*corev1.LimitRange, pod *corev1.Pod) {
	for _, r := range ranges {
		requests, limits := containerDefaults(r)
		for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
			for i := range containers {
				res := &containers[i].Resources
				res.Limits = fillIn(res.Limits, limits)
				res.Requests = fillIn(res.Requests, requests)
			}
		}
	}
}

// containerDefaults returns the defaults of one LimitRange. Later items win over earlier ones.
func containerDefaults(r *corev1.LimitRange) (requests, limits corev1.ResourceList) {
	requests, limits = corev1.ResourceList{}, corev1.ResourceList{}
	for i := range r.Spec.Limits {
		item := defaultedItem(&r.Spec.Limits[i])
		if item.Type != corev1.LimitTypeContainer {
			continue
		}
		for name, q := range item.DefaultRequest {
			requests[name] = q
		}
		for name, q := range item.Default {
			limits[name] = q
		}
	}
	return requests, limits
}

// defaultedItem returns the item as stored. The maximum defaults the default limit, that defaults
// the default request, and then the minimum does (pkg/apis/core/v1/defaults.go,
// SetDefaults_LimitRangeItem).
func defaultedItem(item *corev1.LimitRangeItem) *corev1.LimitRangeItem {
	if item.Type != corev1.LimitTypeContainer {
		return item
	}
	item = item.DeepCopy()
	item.Default = fillIn(item.Default, item.Max)
	item.DefaultRequest = fillIn(item.DefaultRequest, item.Default)
	item.DefaultRequest = fillIn(item.DefaultRequest, item.Min)
	return item
}

// fillIn adds the missing names to a list.
func fillIn(list, defaults corev1.ResourceList) corev1.ResourceList {
	for name, q := range defaults {
		if _, ok := list[name]; ok {
			continue
		}
		if list == nil {
			list = corev1.ResourceList{}
		}
		list[name] = q.DeepCopy()
	}
	return list
}

// checkLimits returns the refusal of the namespace's LimitRanges (PodValidateLimitFunc). The first
// LimitRange with an objection speaks, and says all of it.
func checkLimits(ranges []*corev1.LimitRange, pod *corev1.Pod) *Refusal {
	for _, r := range ranges {
		var errs []error
		for i := range r.Spec.Limits {
			errs = append(errs, violations(defaultedItem(&r.Spec.Limits[i]), pod)...)
		}
		if err := utilerrors.NewAggregate(errs); err != nil {
			return forbidden(pod, "%v", err)
		}
	}
	return nil
}

func violations(item *corev1.LimitRangeItem, pod *corev1.Pod) (errs []error) {
	switch item.Type {
	case corev1.LimitTypeContainer:
		for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
			for i := range containers {
				res := &containers[i].Resources
				errs = append(errs, breaches(item, res.Requests, res.Limits)...)
			}
		}
	case corev1.LimitTypePod:
		errs = breaches(item, podSum(pod, false), podSum(pod, true))
	}
	return errs
}

// podSum returns the pod's requests or limits as LimitRanger takes them: without overhead, and with
// pod-level resources for cpu and memory only.
func podSum(pod *corev1.Pod, limits bool) corev1.ResourceList {
	options := resourcehelper.PodResourcesOptions{}
	sum, level := resourcehelper.AggregateContainerRequests(pod, options), corev1.ResourceList(nil)
	if pod.Spec.Resources != nil {
		level = pod.Spec.Resources.Requests
	}
	if limits {
		sum = resourcehelper.AggregateContainerLimits(pod, options)
		if pod.Spec.Resources != nil {
			level = pod.Spec.Resources.Limits
		}
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if q, ok := level[name]; ok {
			sum[name] = q
		}
	}
	return sum
}

// breaches checks one item's min, max and ratio, each in the order of resource names. The server
// takes them in map order.
func breaches(item *corev1.LimitRangeItem, requests, limits corev1.ResourceList) (errs []error) {
	add := func(list corev1.ResourceList,
		check func(string, corev1.ResourceName, resource.Quantity, corev1.ResourceList, corev1.ResourceList) error) {
		for _, name := range sortedNames(list) {
			if err := check(string(item.Type), name, list[name], requests, limits); err != nil {
				errs = append(errs, err)
			}
		}
	}
	add(item.Min, belowMin)
	add(item.Max, aboveMax)
	add(item.MaxLimitRequestRatio, aboveRatio)
	return errs
}

// belowMin returns the server's sentence about a request or limit below the minimum. The double
// spaces are the server's.
func belowMin(kind string, name corev1.ResourceName, min resource.Quantity, requests,
	limits corev1.ResourceList) error {
	request, hasRequest := requests[name]
	limit, hasLimit := limits[name]
	r, l, want := comparable3(request, limit, min)
	switch {
	case !hasRequest:
		return fmt.Errorf("minimum %s usage per %s is %s.  No request is specified", name, kind, min.String())
	case r < want:
		return fmt.Errorf("minimum %s usage per %s is %s, but request is %s", name, kind, min.String(),
			request.String())
	case hasLimit && l < want:
		return fmt.Errorf("minimum %s usage per %s is %s, but limit is %s", name, kind, min.String(), limit.String())
	}
	return nil
}

func aboveMax(kind string, name corev1.ResourceName, max resource.Quantity, requests,
	limits corev1.ResourceList) error {
	request, hasRequest := requests[name]
	limit, hasLimit := limits[name]
	r, l, want := comparable3(request, limit, max)
	switch {
	case !hasLimit:
		return fmt.Errorf("maximum %s usage per %s is %s.  No limit is specified", name, kind, max.String())
	case l > want:
		return fmt.Errorf("maximum %s usage per %s is %s, but limit is %s", name, kind, max.String(), limit.String())
	case hasRequest && r > want:
		return fmt.Errorf("maximum %s usage per %s is %s, but request is %s", name, kind, max.String(),
			request.String())
	}
	return nil
}

func aboveRatio(kind string, name corev1.ResourceName, max resource.Quantity, requests,
	limits corev1.ResourceList) error {
	request, hasRequest := requests[name]
	limit, hasLimit := limits[name]
	r, l, _ := comparable3(request, limit, max)
	say := func(what string) error {
		return errors.New(string(name) + " max limit to request ratio per " + kind + " is " + max.String() + ", but " +
			what)
	}
	if !hasRequest || r == 0 {
		return say("no request is specified or request is 0")
	}
	if !hasLimit || l == 0 {
		return say("no limit is specified or limit is 0")
	}
	ratio := float64(l) / float64(r)
	scaled, want := ratio, float64(max.Value())
	if max.Value() <= resource.MaxMilliValue {
		scaled, want = ratio*1000, float64(max.MilliValue())
	}
	if scaled > want {
		return say(fmt.Sprintf("provided ratio is %f", ratio))
	}
	return nil
}

// comparable3 brings three quantities to one precision: thousandths, unless one is too large.
func comparable3(a, b, c resource.Quantity) (int64, int64, int64) {
	if a.Value() <= resource.MaxMilliValue && b.Value() <= resource.MaxMilliValue &&
		c.Value() <= resource.MaxMilliValue {
		return a.MilliValue(), b.MilliValue(), c.MilliValue()
	}
	return a.Value(), b.Value(), c.Value()
}

func sortedNames(list corev1.ResourceList) []corev1.ResourceName {
	names := make([]corev1.ResourceName, 0, len(list))
	for name := range list {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
