package alerts

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/redline-go/redline/etcdmodel"
)

// promQL parses what every Prometheus since 2.0 takes: nothing experimental.
var promQL = parser.NewParser(parser.Options{})

func bad(field string, value any, want string) error {
	return fmt.Errorf("%w: alerts: Options.%s is %#v, want %s", etcdmodel.ErrInput, field, value, want)
}

// parseSelector returns the matchers as PromQL writes them, without the braces. The text that the
// caller gave is not used any further.
func parseSelector(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	const want = `label matchers without braces, e.g. job="etcd",cluster=~"prod-.*"`
	matchers, err := parseMatchers(text)
	if err != nil {
		return "", fmt.Errorf("%w (%w)", bad("Selector", shortened(text), want), err)
	}
	parts := make([]string, len(matchers))
	for i, m := range matchers {
		switch m.Name {
		case model.MetricNameLabel:
			return "", bad("Selector", shortened(text), want+"; the rules name their metrics")
		case "le", "To", "grpc_code", "grpc_method", "grpc_type":
			return "", bad("Selector", shortened(text), want+"; "+m.Name+" is a label that the rules match themselves")
		}
		parts[i] = m.String()
	}
	return strings.Join(parts, ","), nil
}

// parseMatchers adds a metric's name, since a selector may not match the empty string alone.
func parseMatchers(text string) ([]*labels.Matcher, error) {
	const before, after = "up{", "}"
	matchers, err := promQL.ParseMetricSelector(before + text + after)
	var parsed parser.ParseErrors
	if errors.As(err, &parsed) && len(parsed) > 0 { // of the text, not of what is around it
		at := int(parsed[0].PositionRange.Start) - len(before)
		return nil, fmt.Errorf("at byte %d: %w", max(0, min(at, len(text))), parsed[0].Err)
	}
	if err != nil {
		return nil, err
	}
	own := slices.IndexFunc(matchers, func(m *labels.Matcher) bool {
		return m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && m.Value == "up"
	})
	if own < 0 {
		return nil, errors.New("the text ends the selector")
	}
	return slices.Delete(matchers, own, own+1), nil
}

// shortened returns the first characters of a text, since an error quotes it.
func shortened(text string) string {
	if r := []rune(text); len(r) > 120 {
		return string(r[:120]) + "..."
	}
	return text
}

var (
	labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	// objectName is Kubernetes' DNS-1123 subdomain, objectSpace its label.
	objectName  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	objectSpace = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	labelKey    = regexp.MustCompile(`^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelValue  = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$`)
)

// checkLabels returns an error for a name that PromQL does not take in `without`, or that the
// rules need.
func checkLabels(field string, names []string) error {
	for i, n := range names {
		if !labelName.MatchString(n) || n == "le" || n == model.MetricNameLabel {
			return bad(fmt.Sprintf("%s[%d]", field, i), shortened(n), "a label's name other than le and __name__")
		}
	}
	return nil
}

// checkObject returns an error for a name or label that the API server would refuse.
func (o Options) checkObject() error {
	if len(o.Name) > 253 || !objectName.MatchString(o.Name) {
		return bad("Name", shortened(o.Name), "a DNS-1123 subdomain, as the API server asks")
	}
	if len(o.Namespace) > 63 || !objectSpace.MatchString(o.Namespace) {
		return bad("Namespace", shortened(o.Namespace), "a DNS-1123 label, as the API server asks")
	}
	for _, k := range sortedKeys(o.Labels) {
		if !labelKey.MatchString(k) || !labelValue.MatchString(o.Labels[k]) {
			return bad("Labels", shortened(k)+": "+shortened(o.Labels[k]), "a label that the API server takes")
		}
	}
	return nil
}
