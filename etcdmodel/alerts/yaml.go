package alerts

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"sigs.k8s.io/yaml"
)

// These are the parts of a monitoring.coreos.com/v1 PrometheusRule. Its spec is also a Prometheus
// rule file.
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

// PrometheusRule returns the rules as a PrometheusRule object of the Prometheus operator, in YAML.
func (s Set) PrometheusRule() ([]byte, error) {
	return yaml.Marshal(prometheusRule{
		APIVersion: "monitoring.coreos.com/v1", Kind: "PrometheusRule",
		Metadata: prometheusRuleRef{Name: s.options.Name, Namespace: s.options.Namespace, Labels: s.options.Labels},
		Spec:     s.file(),
	})
}

// RuleFile returns the rules as a file that Prometheus itself loads and promtool checks.
func (s Set) RuleFile() ([]byte, error) { return yaml.Marshal(s.file()) }

func (s Set) file() ruleFile {
	group := ruleGroup{Name: cmp.Or(s.options.Name, "etcd-capacity"), Rules: []ruleItem{}}
	for _, r := range s.Rules {
		group.Rules = append(group.Rules, ruleItem{
			Alert: r.Name, Expr: r.Expr, For: promDuration(r.For),
			Labels:      map[string]string{"severity": r.Severity},
			Annotations: map[string]string{"summary": r.Summary, "description": r.description()},
		})
	}
	return ruleFile{Groups: []ruleGroup{group}}
}

func (r Rule) description() string {
	limit := figureOf(r.Limit)
	if math.IsInf(r.Limit, 1) {
		limit = "an election"
	}
	lead := ""
	if r.Lead > 0 {
		lead = fmt.Sprintf("; lead %v", r.Lead.Round(time.Second))
	}
	return fmt.Sprintf("Threshold %s, normal is %s, trouble begins at %s%s. %s.",
		figureOf(r.Threshold), figureOf(r.Normal), limit, lead, r.Why)
}

// figureOf writes a number with four significant digits, or whole from 100 on.
func figureOf(x float64) string {
	if math.Abs(x) >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.4g", x)
}
