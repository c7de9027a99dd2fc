package scheduler

import (
	"context"
	"math"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/helper"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread"
)

// spreadRule is one topology spread constraint of a template with the matching pods counted per
// domain. It replaces PreFilter's counts, which are two critical paths only and so cannot follow
// more than one placement.
type spreadRule struct {
	maxSkew    int32
	minDomains int32
	hostname   bool
	selector   labels.Selector
	domains    *domains
	counted    []bool  // node: its pods count (labels of all rules, inclusion policies)
	here       []int32 // node: matching pods on it, counted or not
	count      []int32 // domain: matching pods on its counted nodes
	present    []bool  // domain: it has a counted node
	self       int32   // 1 if the template matches its own selector
	adds       bool    // a placed replica will be counted

	eligible int // domains present
	min      int32
	atMin    int // domains present whose count is min
}

// systemConstraints are the default constraints of the System defaulting type
// (podtopologyspread/plugin.go).
var systemConstraints = []corev1.TopologySpreadConstraint{
	{TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway, MaxSkew: 3},
	{TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway, MaxSkew: 5},
}

// spreadConstraints returns the pod's constraints or, without any, the profile's defaults with the
// selector of the pod's services and owner. all says that nodes must have every label, which system
// defaults do not ask.
func (r *run) spreadConstraints(args *config.PodTopologySpreadArgs, pod *corev1.Pod) (
	list []corev1.TopologySpreadConstraint, selector labels.Selector, all bool) {
	if own := pod.Spec.TopologySpreadConstraints; len(own) > 0 {
		return own, nil, true
	}
	list, all = args.DefaultConstraints, true
	if args.DefaultingType == config.SystemDefaulting {
		list, all = systemConstraints, false
	}
	if len(list) == 0 {
		return nil, nil, all
	}
	core, apps := r.shelf.Core().V1(), r.shelf.Apps().V1()
	selector = helper.DefaultSelector(pod, core.Services().Lister(), core.ReplicationControllers().Lister(),
		apps.ReplicaSets().Lister(), apps.StatefulSets().Lister())
	if selector.Empty() {
		return nil, nil, all
	}
	return list, selector, all
}

// spreadRules counts the pods of the world for the constraints of one kind.
func spreadRules(ctx context.Context, list []corev1.TopologySpreadConstraint, defaults labels.Selector, all bool,
	action corev1.UnsatisfiableConstraintAction, pod *corev1.Pod, t *topology) ([]*spreadRule, error) {
	var rules []*spreadRule
	var policies []corev1.TopologySpreadConstraint
	for _, c := range list {
		if c.WhenUnsatisfiable != action {
			continue
		}
		selector := defaults
		if selector == nil {
			var err error
			if selector, err = spreadSelector(&c, pod.Labels); err != nil {
				return nil, err
			}
		}
		rule := &spreadRule{maxSkew: c.MaxSkew, minDomains: 1, hostname: c.TopologyKey == corev1.LabelHostname,
			selector: selector, domains: t.key(c.TopologyKey)}
		if c.MinDomains != nil {
			rule.minDomains = *c.MinDomains
		}
		if selector.Matches(labels.Set(pod.Labels)) {
			rule.self, rule.adds = 1, !selector.Empty()
		}
		rules, policies = append(rules, rule), append(policies, c)
	}
	if err := include(ctx, rules, policies, all, pod, t); err != nil {
		return nil, err
	}
	for _, rule := range rules {
		if err := rule.countPods(ctx, t.nodes, pod.Namespace); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func spreadSelector(c *corev1.TopologySpreadConstraint, podLabels map[string]string) (labels.Selector, error) {
	selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
	if err != nil {
		return nil, err
	}
	same := labels.Set{}
	for _, key := range c.MatchLabelKeys {
		if v, ok := podLabels[key]; ok {
			same[key] = v
		}
	}
	if len(same) == 0 {
		return selector, nil
	}
	requirements, ok := selector.Requirements()
	if !ok {
		return selector, nil
	}
	return labels.SelectorFromSet(same).Add(requirements...), nil
}

// include decides on which nodes pods count: those with the labels of all rules that the rule's
// policies admit.
func include(ctx context.Context, rules []*spreadRule, policies []corev1.TopologySpreadConstraint, all bool,
	pod *corev1.Pod, t *topology) error {
	required := nodeaffinity.GetRequiredNodeAffinity(pod)
	for _, rule := range rules {
		rule.counted = make([]bool, len(t.nodes))
	}
	for i, n := range t.nodes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if all && !hasAll(rules, i) {
			continue
		}
		for k, rule := range rules {
			c := policies[k]
			if c.NodeAffinityPolicy == nil || *c.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor {
				if match, _ := required.Match(n.Node()); !match {
					continue
				}
			}
			if c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor {
				if _, bad := corev1helpers.FindMatchingUntoleratedTaint(discard, n.Node().Spec.Taints,
					pod.Spec.Tolerations, helper.DoNotScheduleTaintsFilterFunc(), tolerationComparisons()); bad {
					continue
				}
			}
			rule.counted[i] = true
		}
	}
	return nil
}

func hasAll(rules []*spreadRule, node int) bool {
	for _, rule := range rules {
		if !rule.domains.has[node] {
			return false
		}
	}
	return true
}

func (s *spreadRule) countPods(ctx context.Context, nodes []fwk.NodeInfo, namespace string) error {
	s.here = make([]int32, len(nodes))
	s.count = make([]int32, len(s.domains.nodes))
	s.present = make([]bool, len(s.domains.nodes))
	for i, n := range nodes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !s.selector.Empty() {
			for _, p := range n.GetPods() {
				q := p.GetPod()
				if q.DeletionTimestamp == nil && q.Namespace == namespace && s.selector.Matches(labels.Set(q.Labels)) {
					s.here[i]++
				}
			}
		}
		if s.counted[i] {
			d := s.domains.of[i]
			s.count[d] += s.here[i]
			s.present[d] = true
		}
	}
	s.findMin()
	return nil
}

func (s *spreadRule) findMin() {
	s.min, s.atMin, s.eligible = math.MaxInt32, 0, 0
	for d, n := range s.count {
		if !s.present[d] {
			continue
		}
		s.eligible++
		switch {
		case n < s.min:
			s.min, s.atMin = n, 1
		case n == s.min:
			s.atMin++
		}
	}
}

// place counts one more replica on the node.
func (s *spreadRule) place(node int) {
	if !s.adds {
		return
	}
	s.here[node]++
	if !s.counted[node] {
		return
	}
	d := s.domains.of[node]
	s.count[d]++
	if s.count[d]-1 == s.min {
		if s.atMin--; s.atMin == 0 {
			s.findMin()
		}
	}
}

// limit returns the most matching pods that a domain may have to take one more. The sum is done in
// 64 bits, since min is the largest int32 where no domain is eligible.
func (s *spreadRule) limit() int64 {
	low := int64(s.min)
	if s.eligible < int(s.minDomains) {
		low = 0
	}
	return int64(s.maxSkew) - int64(s.self) + low
}

// Statuses of the Filter.
var (
	noSpreadLabel = fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
		podtopologyspread.ErrReasonNodeLabelNotMatch).WithPlugin(podtopologyspread.Name)
	skewed = fwk.NewStatus(fwk.Unschedulable, podtopologyspread.ErrReasonConstraintsNotMatch).WithPlugin(
		podtopologyspread.Name)
)

// spreadFilter does PodTopologySpread's Filter over the counts.
type spreadFilter struct {
	rules  []*spreadRule
	limits []int64
}

func (f *spreadFilter) prepare() {
	f.limits = f.limits[:0]
	for _, s := range f.rules {
		f.limits = append(f.limits, s.limit())
	}
}

func (f *spreadFilter) place(node int) {
	for _, s := range f.rules {
		s.place(node)
	}
}

func (f *spreadFilter) ok(node int) bool {
	for k, s := range f.rules {
		if !s.domains.has[node] || int64(s.count[s.domains.of[node]]) > f.limits[k] {
			return false
		}
	}
	return true
}

func (f *spreadFilter) status(node int) *fwk.Status {
	for k, s := range f.rules {
		if !s.domains.has[node] {
			return noSpreadLabel
		}
		if int64(s.count[s.domains.of[node]]) > f.limits[k] {
			return skewed
		}
	}
	return nil
}
