package admission

import (
	"fmt"
	"sort"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/redline-go/redline/internal/cluster"
)

// Creations returns how many more pods like this one the quotas of its namespace admit, at most
// want, and the server's sentence about the next. The pods are created one after another, as a
// controller does.
func Creations(state *cluster.State, pod *corev1.Pod, want int) (int, *Refusal) {
	quotas := cluster.In(state.ResourceQuotas, pod.Namespace)
	if len(quotas) == 0 || want <= 0 {
		return max(want, 0), nil
	}
	delta := nonZero(Usage(pod, time.Time{}))
	created := want
	var charged []charge
	for _, quota := range quotas {
		hard := quota.Spec.Hard
		if !matchesQuota(quota, pod) {
			continue
		}
		if r := mustSpecify(quota, pod); r != nil {
			return 0, r
		}
		c := charge{quota.Name, delta, Used(state, quota), hard}
		created = min(created, c.admits(want))
		charged = append(charged, c)
	}
	for _, c := range charged {
		if r := c.refuse(pod, created); created < want && r != nil {
			return created, r
		}
	}
	return created, nil
}

// charge holds the usage of one quota and the addition of every pod.
type charge struct {
	quota             string
	delta, used, hard corev1.ResourceList
}

// exceeded names the resources that are over the limit once n+1 pods are charged.
func (c charge) exceeded(n int) (names []corev1.ResourceName) {
	for _, name := range sortedNames(c.delta) {
		hard, limited := c.hard[name]
		if !limited {
			continue
		}
		use := c.after(name, n+1)
		if use.Cmp(hard) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// after returns the use of one resource when n more pods have been charged.
func (c charge) after(name corev1.ResourceName, n int) resourceQuantity {
	added, use := c.delta[name].DeepCopy(), c.used[name].DeepCopy()
	added.Mul(int64(n))
	if n > 0 {
		use.Add(added) // in this order: the format is that of what is used already
	}
	return use
}

// admits returns the largest n <= want such that n pods are admitted. It searches, since use grows
// with n.
func (c charge) admits(want int) int {
	return sort.Search(want, func(n int) bool { return len(c.exceeded(n)) > 0 })
}

// refuse returns the sentence for the pod after n others, or nil when this quota admits it
// (k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go, CheckRequest).
func (c charge) refuse(pod *corev1.Pod, n int) *Refusal {
	names := c.exceeded(n)
	if len(names) == 0 {
		return nil
	}
	var requested, used, limited []string
	for _, name := range names {
		requested = append(requested, pretty(name, c.delta[name]))
		used = append(used, pretty(name, c.after(name, n)))
		limited = append(limited, pretty(name, c.hard[name]))
	}
	return forbidden(pod, "exceeded quota: %s, requested: %s, used: %s, limited: %s",
		c.quota, strings.Join(requested, ","), strings.Join(used, ","), strings.Join(limited, ","))
}

func pretty(name corev1.ResourceName, q resourceQuantity) string {
	return string(name) + "=" + q.String()
}

// mustSpecify refuses a pod that leaves open a resource that the quota limits: cpu and memory only
// (pkg/quota/v1/evaluator/core/pods.go, Constraints).
func mustSpecify(quota *corev1.ResourceQuota, pod *corev1.Pod) *Refusal {
	if resourcehelper.IsPodLevelResourcesSet(pod) {
		return nil
	}
	missing := map[corev1.ResourceName]sets.Set[string]{}
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			use := computeUsage(containers[i].Resources.Requests, containers[i].Resources.Limits)
			for _, name := range explicit {
				_, limited := quota.Spec.Hard[name]
				if _, ok := use[name]; limited && !ok {
					if missing[name] == nil {
						missing[name] = sets.New[string]()
					}
					missing[name].Insert(containers[i].Name)
				}
			}
		}
	}
	var parts []string
	for _, name := range explicit {
		if names, ok := missing[name]; ok {
			parts = append(parts, fmt.Sprintf("%s for: %s", name, strings.Join(sets.List(names), ",")))
		}
	}
	if parts == nil {
		return nil
	}
	return forbidden(pod, "failed quota: %s: must specify %s", quota.Name, strings.Join(parts, "; "))
}

// explicit lists, sorted, the resources that containers must name once a quota limits them.
var explicit = []corev1.ResourceName{
	corev1.ResourceCPU, corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory,
	corev1.ResourceMemory, corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory,
}
