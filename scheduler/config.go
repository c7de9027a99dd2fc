package scheduler

import (
	"fmt"

	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// Adaptive, as [Config.PercentageOfNodesToScore], leaves the percentage to the configuration. Where
// that says nothing, kube-scheduler's adaptive default holds: 50 % less 1 % for each 125 nodes, at
// least 5 %, at least 100 nodes.
const Adaptive = -1

// Config configures an [Engine]. The zero value is kube-scheduler's default profile, pinned.
type Config struct {
	// Profile is a KubeSchedulerConfiguration, YAML or JSON, as kube-scheduler's --config names it.
	// nil means the defaults. Each of its profiles serves the pods that name it as
	// spec.schedulerName. Its extenders are refused: they are other processes.
	Profile []byte
	// PercentageOfNodesToScore is the share of feasible nodes to look for before scoring, 1 to 100.
	// Zero means 100, whatever the configuration says. [Adaptive] leaves it to the configuration.
	PercentageOfNodesToScore int32
	// Registry has the plugins that are not in Kubernetes, by the names that Profile gives them.
	// They get a nil clientset: there is no API server.
	Registry frameworkruntime.Registry
	// Evict lets replicas that fit nowhere preempt pods of lower priority, as kube-scheduler would.
	// [Engine.Fit] counts them. The [Placement] of each names the evicted pods, so ask
	// [Engine.Place]. Without Evict the message only names the place that preemption would find.
	Evict bool
	// PendingFirst schedules the pending pods of the snapshot before the replicas, by priority,
	// then in the snapshot's order.
	PendingFirst bool
	// NodeOrders is the number of node orders to try for the [OrderDependence] of an answer. They
	// are the snapshot's, each further zone ahead of the rest, the reverse, then shuffles drawn
	// from a fixed seed. Zero and one mean only the snapshot's.
	NodeOrders int
}

// load decodes the configuration with kube-scheduler's own decoder, defaults and validation.
func (c Config) load() (*config.KubeSchedulerConfiguration, error) {
	if p := c.PercentageOfNodesToScore; p < Adaptive || p > 100 {
		return nil, errorf("Config.PercentageOfNodesToScore is %d, want 1 to 100, 0 for 100, or Adaptive", p)
	}
	if c.NodeOrders < 0 {
		return nil, errorf("Config.NodeOrders is %d, want >= 0", c.NodeOrders)
	}
	data := c.Profile
	if data == nil {
		data = []byte("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n")
	}
	obj, gvk, err := scheme.Codecs.UniversalDecoder().Decode(data, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("scheduler: Config.Profile: %w", err)
	}
	cfg, ok := obj.(*config.KubeSchedulerConfiguration)
	if !ok {
		return nil, errorf("Config.Profile is a %s, want a KubeSchedulerConfiguration", gvk)
	}
	cfg.APIVersion = gvk.GroupVersion().String()
	if err := validation.ValidateKubeSchedulerConfiguration(cfg); err != nil {
		return nil, fmt.Errorf("scheduler: Config.Profile: %w", err)
	}
	if len(cfg.Extenders) > 0 {
		return nil, errorf("Config.Profile: extender %q is another process and cannot be asked, want no extenders",
			cfg.Extenders[0].URLPrefix)
	}
	return cfg, nil
}

// percentage returns the percentageOfNodesToScore of a profile, 0 for the adaptive one.
func (c Config) percentage(cfg *config.KubeSchedulerConfiguration, p *config.KubeSchedulerProfile) int32 {
	switch {
	case c.PercentageOfNodesToScore == 0:
		return 100
	case c.PercentageOfNodesToScore > 0:
		return c.PercentageOfNodesToScore
	case p.PercentageOfNodesToScore != nil:
		return *p.PercentageOfNodesToScore
	case cfg.PercentageOfNodesToScore != nil:
		return *cfg.PercentageOfNodesToScore
	}
	return config.DefaultPercentageOfNodesToScore
}

// Sampling looks for at least this many nodes (pkg/scheduler/schedule_one.go).
const (
	minFeasibleNodes      = 100
	minFeasiblePercentage = 5
)

// feasibleWanted returns the number of feasible nodes that ends the search among n.
func feasibleWanted(percentage int32, n int) int {
	if n < minFeasibleNodes {
		return n
	}
	p := int(percentage)
	if p == 0 {
		p = max(50-n/125, minFeasiblePercentage)
	}
	return max(n*p/100, minFeasibleNodes)
}
