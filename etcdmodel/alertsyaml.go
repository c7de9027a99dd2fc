package etcdmodel

import (
	"fmt"
	"math"
	"time"

	"sigs.k8s.io/yaml"
)

// The parts of a monitoring.coreos.com/v1 PrometheusRule, whose spec is also a Prometheus rule file.
type (
	prometheusRule struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Metadata   prometheusRuleRef `json:"metadata"`
		Spec       ruleFile          `json:"spec"`
	}
	prometheusRuleRef struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels,omitempty"`
	}
	ruleFile struct {
		Groups []ruleGroup `json:"groups"`
	}
	ruleGroup struct {
		Name  string     `json:"name"`
		Rules []ruleItem `json:"rules"`
	}
	ruleItem struct {
		Alert       string            `json:"alert"`
		Expr        string            `json:"expr"`
		For         string            `json:"for"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	}
)

// PrometheusRule is the rules as a PrometheusRule object of the Prometheus operator, in YAML.
func (a Alerting) PrometheusRule() ([]byte, error) {
	return yaml.Marshal(prometheusRule{
		APIVersion: "monitoring.coreos.com/v1", Kind: "PrometheusRule",
		Metadata: prometheusRuleRef{a.options.Name, a.options.Namespace, a.options.Labels},
		Spec:     a.file(),
	})
}

// RuleFile is the rules as a file that Prometheus itself loads and promtool checks.
func (a Alerting) RuleFile() ([]byte, error) { return yaml.Marshal(a.file()) }

func (a Alerting) file() ruleFile {
	group := ruleGroup{Name: or(a.options.Name, "etcd-capacity"), Rules: []ruleItem{}}
	for _, r := range a.Rules {
		limit := figureOf(r.Limit)
		if math.IsInf(r.Limit, 1) {
			limit = "an election"
		}
		group.Rules = append(group.Rules, ruleItem{
			Alert: r.Name, Expr: r.Expr, For: promDuration(r.For),
			Labels: map[string]string{"severity": r.Severity},
			Annotations: map[string]string{
				"summary": r.Summary,
				"description": fmt.Sprintf("Threshold %s, normal is %s, trouble begins at %s; lead %v. %s.",
					figureOf(r.Threshold), figureOf(r.Normal), limit, r.Lead.Round(time.Second), r.Why),
			},
		})
	}
	return ruleFile{Groups: []ruleGroup{group}}
}

// figureOf is a number with at most four digits behind it.
func figureOf(x float64) string {
	if math.Abs(x) >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.4g", x)
}
