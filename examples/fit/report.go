package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"github.com/redline-go/redline/capacity"
)

type report struct {
	workload   capacity.Workload
	title      string // kind and name of the workload
	snapshot   *capacity.Snapshot
	answer     capacity.Answer
	whatIf     *capacity.Answer
	whatIfName string
	warnings   []error
}

func (r report) text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	a := r.answer
	namespace := r.workload.Namespace
	if namespace == "" {
		namespace = "default"
	}
	fmt.Fprintf(w, "%d replicas of %s wanted in namespace %s, %d running, %d nodes\n\n", a.Desired, r.title, namespace,
		a.Running, len(r.nodes()))
	counts(w, a)
	if a.Message != "" {
		fmt.Fprintf(w, "\nkube-scheduler says of the next one:\n  %s\n", a.Message)
	}
	if a.Refusal != "" {
		fmt.Fprintf(w, "\nThe API server says of the first it refuses:\n  %s\n", a.Refusal)
	}
	if groups := r.groups(); len(groups) > 0 {
		fmt.Fprintf(w, "\nNode group\tnodes\t%s requested of allocatable\t\troom for\n", groups[0].resource)
		for _, g := range groups {
			fmt.Fprintf(w, "%s\t%d\t%s\t%5.1f %%\t%d more\n", g.name, g.nodes, bar(g.requested, g.allocatable, 32),
				percent(g.requested, g.allocatable), g.room)
		}
	}
	if r.whatIf != nil {
		fmt.Fprintf(w, "\n%s:\n", r.whatIfName)
		counts(w, *r.whatIf)
		if r.whatIf.Refusal != "" {
			fmt.Fprintf(w, "  %s\n", r.whatIf.Refusal)
		}
		if r.whatIf.Message != "" && r.whatIf.Message != a.Message {
			fmt.Fprintf(w, "  %s\n", r.whatIf.Message)
		}
	}
	for _, warning := range r.warned() {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	return w.Flush()
}

// warned returns every warning once. The second answer repeats most of the first.
func (r report) warned() (texts []string) {
	all := slices.Concat(r.warnings, r.answer.Warnings)
	if r.whatIf != nil {
		all = append(all, r.whatIf.Warnings...)
	}
	for _, warning := range all {
		if text := warning.Error(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

func counts(w io.Writer, a capacity.Answer) {
	line := func(name string, n int, what string) {
		fmt.Fprintf(w, "  %s\t%6d  %s\t%s\n", name, n, bar(int64(n), int64(max(a.Desired, a.Running)), 40), what)
	}
	line("running", a.Running, "")
	line("fit", a.Fits, "more can be placed now")
	pending := "created, but unschedulable"
	if a.Preemptible > 0 {
		pending += fmt.Sprintf("; %d could be placed by evicting pods of lower priority", a.Preemptible)
	}
	line("pending", a.Pending, pending)
	line("rejected", a.Rejected, "never created")
}

// bar draws part of whole in eighths of a character.
func bar(part, whole int64, width int) string {
	if whole <= 0 {
		return strings.Repeat(" ", width)
	}
	eighths := int(min(max(part, 0), whole) * int64(8*width) / whole)
	if part > 0 && eighths == 0 {
		eighths = 1
	}
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return s + strings.Repeat("·", width-len([]rune(s)))
}

func percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// group sums the nodes of one role, and the use of the resource that the workload asks most of.
type group struct {
	name                   string
	resource               corev1.ResourceName
	nodes, room            int
	requested, allocatable int64
}

func (r report) nodes() (nodes []*corev1.Node) {
	for _, o := range r.snapshot.Objects() {
		if n, ok := o.(*corev1.Node); ok {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func (r report) groups() []group {
	name := r.scarce()
	room := map[string]int{}
	for _, n := range r.answer.Nodes {
		room[n.Node()] = n.Room()
	}
	requested := r.requested(name)
	var groups []group
	for _, n := range r.nodes() {
		role := roleOf(n)
		i := slices.IndexFunc(groups, func(g group) bool { return g.name == role })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{name: role, resource: name})
		}
		g, quantity := &groups[i], n.Status.Allocatable[name]
		g.nodes++
		g.room += room[n.Name]
		g.requested += requested[n.Name]
		g.allocatable += quantity.MilliValue()
	}
	slices.SortFunc(groups, func(a, b group) int { return strings.Compare(a.name, b.name) })
	return groups
}

// scarce returns the resource of the template that fills most of an empty cluster.
func (r report) scarce() corev1.ResourceName {
	pod := &corev1.Pod{Spec: r.workload.Template.Spec}
	// Limits become requests where there are none.
	asked := resource.PodLimits(pod, resource.PodResourcesOptions{})
	maps.Copy(asked, resource.PodRequests(pod, resource.PodResourcesOptions{}))
	most, best := 0.0, corev1.ResourceCPU
	total := map[corev1.ResourceName]float64{}
	for _, n := range r.nodes() {
		for name, q := range n.Status.Allocatable {
			total[name] += q.AsApproximateFloat64()
		}
	}
	for name, q := range asked {
		share := q.AsApproximateFloat64() / total[name]
		if total[name] > 0 && (share > most || share == most && name < best) {
			most, best = share, name
		}
	}
	return best
}

// requested returns, by node, the thousandths of a resource that the pods there hold.
func (r report) requested(name corev1.ResourceName) map[string]int64 {
	held := map[string]int64{}
	for _, o := range r.snapshot.Objects() {
		pod, ok := o.(*corev1.Pod)
		if !ok || pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodSucceeded ||
			pod.Status.Phase == corev1.PodFailed {
			continue
		}
		asked := resource.PodRequests(pod, resource.PodResourcesOptions{UseStatusResources: true})
		q := asked[name]
		held[pod.Spec.NodeName] += q.MilliValue()
	}
	return held
}

// roleOf returns the node's role label, else its instance type, else "nodes".
func roleOf(n *corev1.Node) string {
	const prefix = "node-role.kubernetes.io/"
	var roles []string
	for label := range n.Labels {
		if role, ok := strings.CutPrefix(label, prefix); ok {
			roles = append(roles, role)
		}
	}
	if len(roles) > 0 {
		slices.Sort(roles)
		return strings.Join(roles, ",")
	}
	if kind := n.Labels[corev1.LabelInstanceTypeStable]; kind != "" {
		return kind
	}
	return "nodes"
}
