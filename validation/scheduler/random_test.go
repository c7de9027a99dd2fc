package scheduler_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/internal/cases"
	"github.com/redline-go/redline/validation/oracle"
)

// usual returns the number of cases to try: short in CI, long with REDLINE_LONG=1.
func usual(short, long uint64) uint64 {
	if os.Getenv("REDLINE_LONG") == "1" {
		return long
	}
	return short
}

// mixture draws clusters and pods that use every feature that a plugin looks at, each now and then.
type mixture struct {
	*rand.Rand
	objects []runtime.Object
	nodes   []*corev1.Node
}

func (m *mixture) one(n int) bool         { return m.IntN(n) == 0 }
func pick[T any](m *mixture, from ...T) T { return from[m.IntN(len(from))] }

func newMixture(seed uint64) *mixture {
	m := &mixture{Rand: rand.New(rand.NewPCG(seed, 0x6d6978))}
	for range m.IntN(4) {
		m.namespace()
	}
	zones := 1 + m.IntN(4)
	for i := range 1 + m.IntN(14) {
		m.node(i, zones)
	}
	for i := range m.IntN(30) {
		m.existing(i)
	}
	for i := range m.IntN(3) {
		m.service(i)
	}
	return m
}

func (m *mixture) namespace() {
	name := pick(m, "default", "other", "third")
	for _, o := range m.objects {
		if o.(*corev1.Namespace).Name == name {
			return
		}
	}
	m.objects = append(m.objects,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name,
			Labels: map[string]string{"team": pick(m, "a", "b")}}})
}

func (m *mixture) node(i, zones int) {
	n := oracle.Node(i, pick(m, "2", "4", "4", "8"), pick(m, "4Gi", "8Gi", "16Gi"), zones)
	if m.one(3) {
		n.Labels[corev1.LabelTopologyZone] = fmt.Sprintf("z%d", m.IntN(zones))
	}
	if m.one(12) {
		delete(n.Labels, pick(m, corev1.LabelTopologyZone, corev1.LabelHostname))
	}
	if m.one(3) {
		n.Labels["disk"] = pick(m, "ssd", "hdd")
	}
	n.Status.Allocatable = n.Status.Allocatable.DeepCopy()
	if m.one(4) {
		n.Status.Allocatable[corev1.ResourcePods] = resource.MustParse(strconv.Itoa(2 + m.IntN(8)))
	}
	if m.one(4) {
		n.Status.Allocatable["example.com/gpu"] = resource.MustParse(strconv.Itoa(m.IntN(4)))
	}
	if m.one(8) {
		n.Spec.Unschedulable = true
	}
	for m.one(4) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: pick(m, "a", "b"), Value: pick(m, "", "x"),
			Effect: pick(m, corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule,
				corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute)})
	}
	if m.one(3) {
		n.Status.Images = append(n.Status.Images, corev1.ContainerImage{Names: []string{pick(m, "img:latest", "other")},
			SizeBytes: m.Int64N(1 << 30)})
	}
	m.nodes, m.objects = append(m.nodes, n), append(m.objects, n)
}

func (m *mixture) existing(i int) {
	p := m.pod(fmt.Sprintf("old-%d", i))
	p.Namespace = pick(m, "default", "default", "other")
	p.Spec.NodeName = pick(m, m.nodes...).Name
	p.Spec.TopologySpreadConstraints = nil
	p.Status.Phase = pick(m, corev1.PodRunning, corev1.PodRunning, corev1.PodRunning, corev1.PodSucceeded,
		corev1.PodPending)
	if m.one(8) {
		now := metav1.Unix(1700000000, 0)
		p.DeletionTimestamp, p.Finalizers = &now, []string{"x/y"}
	}
	m.objects = append(m.objects, p)
}

func (m *mixture) service(i int) {
	m.objects = append(m.objects,
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("svc-%d", i)},
			Spec: corev1.ServiceSpec{Selector: map[string]string{"app": pick(m, "web", "db")}}})
}

func (m *mixture) selector() *metav1.LabelSelector {
	switch m.IntN(6) {
	case 0:
		return nil
	case 1:
		return &metav1.LabelSelector{}
	case 2:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app",
			Operator: metav1.LabelSelectorOpExists}}}
	}
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": pick(m, "web", "web", "db")}}
}

func (m *mixture) key() string {
	return pick(m, corev1.LabelTopologyZone, corev1.LabelTopologyZone, corev1.LabelHostname, corev1.LabelHostname,
		"disk")
}

func (m *mixture) term() corev1.PodAffinityTerm {
	t := corev1.PodAffinityTerm{TopologyKey: m.key(), LabelSelector: m.selector()}
	if m.one(4) {
		t.Namespaces = []string{pick(m, "default", "other")}
	}
	if m.one(5) {
		t.NamespaceSelector = pick(m, &metav1.LabelSelector{},
			&metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}})
	}
	return t
}

// pod draws a template.
func (m *mixture) pod(name string) *corev1.Pod {
	p := oracle.Pod("default", name, "", pick(m, "", "100m", "250m", "500m", "1"), pick(m, "", "64Mi", "500Mi", "1Gi"))
	p.Labels = map[string]string{"app": pick(m, "web", "db")}
	c := &p.Spec.Containers[0]
	c.Image = pick(m, "img:latest", "other:latest", "none:latest")
	if m.one(6) {
		c.Resources.Requests["example.com/gpu"] = resource.MustParse("1")
		c.Resources.Limits = corev1.ResourceList{"example.com/gpu": resource.MustParse("1")}
	}
	if m.one(8) {
		c.Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: int32(8080 + m.IntN(2)),
			HostIP: pick(m, "", "10.0.0.1"), Protocol: pick(m, corev1.ProtocolTCP, corev1.ProtocolUDP)}}
	}
	if m.one(5) {
		init := corev1.Container{Name: "i", Image: "img",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse(
				pick(m, "300m", "1500m"))}}}
		if m.one(2) {
			always := corev1.ContainerRestartPolicyAlways
			init.RestartPolicy = &always
		}
		p.Spec.InitContainers = []corev1.Container{init}
	}
	if m.one(8) {
		p.Spec.Overhead = corev1.ResourceList{"cpu": resource.MustParse("250m")}
	}
	for m.one(3) {
		p.Spec.Tolerations = append(p.Spec.Tolerations,
			corev1.Toleration{Key: pick(m, "a", "b"), Operator: corev1.TolerationOpExists})
	}
	if m.one(6) {
		p.Spec.NodeSelector = map[string]string{"disk": pick(m, "ssd", "hdd")}
	}
	if priority := int32(m.IntN(3)); m.one(5) {
		p.Spec.Priority = &priority
	}
	m.affinity(p)
	for m.one(3) {
		m.constraint(p)
	}
	return p
}

func (m *mixture) constraint(p *corev1.Pod) {
	c := corev1.TopologySpreadConstraint{TopologyKey: m.key(), MaxSkew: int32(1 + m.IntN(3)),
		LabelSelector:     m.selector(),
		WhenUnsatisfiable: pick(m, corev1.DoNotSchedule, corev1.ScheduleAnyway)}
	for _, other := range p.Spec.TopologySpreadConstraints { // the API server refuses the pair twice
		if other.TopologyKey == c.TopologyKey && other.WhenUnsatisfiable == c.WhenUnsatisfiable {
			return
		}
	}
	if domains := int32(1 + m.IntN(5)); c.WhenUnsatisfiable == corev1.DoNotSchedule && m.one(3) {
		c.MinDomains = &domains
	}
	policies := []corev1.NodeInclusionPolicy{corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore}
	if m.one(3) {
		c.NodeAffinityPolicy = &policies[m.IntN(2)]
	}
	if m.one(3) {
		c.NodeTaintsPolicy = &policies[m.IntN(2)]
	}
	if m.one(4) && c.LabelSelector != nil {
		c.MatchLabelKeys = []string{"app"}
	}
	p.Spec.TopologySpreadConstraints = append(p.Spec.TopologySpreadConstraints, c)
}

func (m *mixture) affinity(p *corev1.Pod) {
	if !m.one(2) {
		return
	}
	a := &corev1.Affinity{}
	if m.one(3) {
		a.NodeAffinity = &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{
				{Weight: int32(1 + m.IntN(100)),
					Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disk",
						Operator: corev1.NodeSelectorOpIn, Values: []string{pick(m, "ssd", "hdd")}}}}},
				{Weight: int32(1 + m.IntN(100)),
					Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
						{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"z0"}}}}},
			}}
	}
	if m.one(3) {
		a.PodAffinity = &corev1.PodAffinity{}
		for m.one(2) {
			a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution = append(
				a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, m.term())
		}
		for m.one(2) {
			a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution = append(
				a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution,
				corev1.WeightedPodAffinityTerm{Weight: int32(1 + m.IntN(100)), PodAffinityTerm: m.term()})
		}
	}
	if m.one(3) {
		a.PodAntiAffinity = &corev1.PodAntiAffinity{}
		for m.one(2) {
			a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = append(
				a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, m.term())
		}
		for m.one(2) {
			a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution = append(
				a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution,
				corev1.WeightedPodAffinityTerm{Weight: int32(1 + m.IntN(100)), PodAffinityTerm: m.term()})
		}
	}
	p.Spec.Affinity = a
}

// These profiles differ from the default one in one respect each.
var profiles = map[string]string{
	"default": "",
	"most allocated, weights": `
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated,
      resources: [{name: cpu, weight: 3}, {name: example.com/gpu, weight: 5}]}}
  plugins:
    multiPoint:
      disabled: [{name: ImageLocality}]
    score:
      disabled: [{name: TaintToleration}]
      enabled: [{name: TaintToleration, weight: 7}]`,
	"ratio, list constraints": `
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: RequestedToCapacityRatio,
      resources: [{name: cpu, weight: 1}, {name: memory, weight: 2}],
      requestedToCapacityRatio: {shape: [{utilization: 0, score: 0},
        {utilization: 70, score: 10}, {utilization: 100, score: 3}]}}}
  - name: PodTopologySpread
    args: {defaultingType: List, defaultConstraints: [
      {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule},
      {maxSkew: 2, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway}]}`,
	"hard weight, added affinity": `
  pluginConfig:
  - name: InterPodAffinity
    args: {hardPodAffinityWeight: 40, ignorePreferredTermsOfExistingPods: true}
  - name: NodeAffinity
    args: {addedAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 50,
      preference: {matchExpressions: [{key: disk, operator: In, values: [ssd]}]}}]}}`,
	"few plugins": `
  plugins:
    multiPoint:
      disabled: [{name: PodTopologySpread}, {name: NodeResourcesBalancedAllocation}, {name: InterPodAffinity}]`,
}

var profileNames = []string{"default", "default", "most allocated, weights", "ratio, list constraints",
	"hard weight, added affinity", "few plugins"}

func configuration(profile string) []byte {
	if profiles[profile] == "" {
		return nil
	}
	return []byte("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- " +
		"schedulerName: default-scheduler" + profiles[profile] + "\n")
}

// state gives two in five of the mixtures volumes, two in five devices, some both. Its draws are a
// stream of its own.
func (m *mixture) state(seed uint64, pod *corev1.Pod) (kind string) {
	m.Rand = rand.New(rand.NewPCG(seed, 0x7374617465))
	k := m.IntN(5)
	if k == 1 || k == 2 {
		m.volumes(pod)
		kind = "volumes "
	}
	if k == 2 || k == 3 {
		m.devices(pod)
		kind += "devices"
	}
	return kind
}

// Random mixtures of every feature: count, order and message, placement by placement.
func TestRandomMixtures(t *testing.T) {
	first, count := cases.Span(t, usual(150, 20000))
	for seed := first; seed < first+count; seed++ {
		m := newMixture(seed)
		profile := pick(m, profileNames...)
		cfg := configuration(profile)
		pod := m.pod("new")
		n := 1 + m.IntN(40)
		kind := m.state(seed, pod)
		t.Run(fmt.Sprintf("%d", seed), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("profile %q, %s", profile, kind)
				}
			}()
			compare(t, m.objects, pod, n, scheduler.Config{Profile: cfg}, oracle.Options{Config: cfg})
		})
	}
}
