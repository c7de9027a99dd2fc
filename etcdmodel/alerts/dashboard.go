package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"time"
)

// Dashboard returns a Grafana dashboard in JSON: what etcd does beside what was predicted for it,
// with the rules' thresholds as lines. Import it, or store it in the ConfigMap that a Grafana
// sidecar reads.
//
// It has variables for the data source, job and cluster. The selector of the options is part of
// every query. Equal sets give equal bytes.
func (s Set) Dashboard() ([]byte, error) {
	o := s.options
	id := fnv.New64a()
	_, _ = id.Write([]byte(o.Namespace + "/" + o.Name))
	d := dashboard{
		UID: fmt.Sprintf("redline-%016x", id.Sum64()), Title: "etcd: " + o.Name, Tags: []string{"etcd", "redline"},
		SchemaVersion: grafanaSchema, Refresh: "1m", Timezone: "browser", Editable: true, GraphTooltip: 1,
		Time: map[string]string{"from": "now-6h", "to": "now"}, Panels: s.panels(),
		Annotations: map[string][]any{"list": {}}, Links: []any{},
	}
	d.Templating.List = s.variables()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // as Grafana writes it: PromQL has > and <
	e.SetIndent("", "  ")
	err := e.Encode(d)
	return out.Bytes(), err
}

// grafanaSchema is the dashboard schema of Grafana 12 (its DASHBOARD_SCHEMA_VERSION); later
// versions migrate it when they load it.
const grafanaSchema = 41

// These are the parts of Grafana's dashboard JSON that are used here.
type (
	dashboard struct {
		UID           string            `json:"uid"`
		Title         string            `json:"title"`
		Tags          []string          `json:"tags"`
		SchemaVersion int               `json:"schemaVersion"`
		Editable      bool              `json:"editable"`
		GraphTooltip  int               `json:"graphTooltip"` // 1: one crosshair in all panels
		Timezone      string            `json:"timezone"`
		Refresh       string            `json:"refresh"`
		Time          map[string]string `json:"time"`
		Annotations   map[string][]any  `json:"annotations"`
		Links         []any             `json:"links"`
		Templating    struct {
			List []variable `json:"list"`
		} `json:"templating"`
		Panels []panel `json:"panels"`
	}
	source struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	variable struct {
		Name       string  `json:"name"`
		Label      string  `json:"label"`
		Type       string  `json:"type"`
		Datasource *source `json:"datasource,omitempty"`
		Query      any     `json:"query"`
		Definition string  `json:"definition,omitempty"`
		Refresh    int     `json:"refresh"` // 1: when the dashboard loads; 2: when the time changes
		Sort       int     `json:"sort,omitempty"`
		IncludeAll bool    `json:"includeAll"`
		AllValue   string  `json:"allValue,omitempty"`
		Multi      bool    `json:"multi"`
		Current    any     `json:"current"`
		Options    []any   `json:"options"`
		Hide       int     `json:"hide"`
	}
	variableQuery struct {
		Query string `json:"query"`
		RefID string `json:"refId"`
	}
	panel struct {
		ID          int            `json:"id"`
		Type        string         `json:"type"`
		Title       string         `json:"title"`
		Description string         `json:"description"`
		Datasource  source         `json:"datasource"`
		GridPos     grid           `json:"gridPos"`
		FieldConfig fields         `json:"fieldConfig"`
		Options     map[string]any `json:"options"`
		Targets     []target       `json:"targets"`
	}
	grid struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	fields struct {
		Defaults  fieldDefaults `json:"defaults"`
		Overrides []any         `json:"overrides"`
	}
	fieldDefaults struct {
		Unit       string         `json:"unit"`
		Min        *float64       `json:"min,omitempty"`
		Thresholds thresholds     `json:"thresholds"`
		Color      map[string]any `json:"color"`
		Custom     map[string]any `json:"custom"`
	}
	thresholds struct {
		Mode  string `json:"mode"`
		Steps []step `json:"steps"`
	}
	step struct {
		Color string   `json:"color"`
		Value *float64 `json:"value"` // null: from the least value on
	}
	target struct {
		RefID      string `json:"refId"`
		Datasource source `json:"datasource"`
		Expr       string `json:"expr"`
		Legend     string `json:"legendFormat"`
		Range      bool   `json:"range"`
		EditorMode string `json:"editorMode"`
	}
)

var chosen = source{"prometheus", "${datasource}"}

// variables returns the choices at the top. A cluster label that does not exist matches `.*`.
func (s Set) variables() []variable {
	of := func(label, within string) variable {
		matchers := []string{}
		if within != "" {
			matchers = append(matchers, within)
		}
		query := fmt.Sprintf("label_values(%s, %s)", s.metric("etcd_server_has_leader", matchers...), label)
		return variable{
			Name: label, Label: label, Type: "query", Datasource: &chosen, Definition: query,
			Query: variableQuery{query, "PrometheusVariableQueryEditor-VariableQuery"}, Refresh: 2, Sort: 1,
			IncludeAll: true, AllValue: ".*", Multi: true, Options: []any{},
			Current: map[string]any{"text": []string{"All"}, "value": []string{"$__all"}},
		}
	}
	return []variable{
		{
			Name: "datasource", Label: "data source", Type: "datasource", Query: "prometheus", Refresh: 1,
			Options: []any{}, Current: map[string]any{},
		},
		of("job", ""), of("cluster", `job=~"$job"`),
	}
}

// A line is one query of a panel.
type line struct{ legend, expr string }

// A graph is a panel before it has its place. rule names the rule whose threshold is drawn.
type graph struct {
	title, about, unit string
	rule               string
	normal             float64 // the predicted value; zero or not finite: no line
	lines              []line
}

// panels returns the graphs, two in a row.
func (s Set) panels() []panel {
	var out []panel
	for i, g := range s.graphs() {
		p := panel{
			ID: i + 1, Type: "timeseries", Title: g.title, Description: g.about, Datasource: chosen,
			GridPos: grid{H: 8, W: 12, X: 12 * (i % 2), Y: 8 * (i / 2)},
			Options: map[string]any{
				"legend": map[string]any{
					"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull", "max"},
				},
				"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
			},
			FieldConfig: fields{Overrides: []any{}, Defaults: fieldDefaults{
				Unit: g.unit, Min: new(float64), Thresholds: s.steps(g),
				Color: map[string]any{"mode": "palette-classic"},
				Custom: map[string]any{
					"drawStyle": "line", "fillOpacity": 0, "lineWidth": 1, "showPoints": "never", "spanNulls": false,
					"thresholdsStyle": map[string]any{"mode": "dashed"},
				},
			}},
		}
		for n, l := range g.lines {
			p.Targets = append(p.Targets, target{
				RefID: string(rune('A' + n)), Datasource: chosen, Expr: l.expr, Legend: l.legend, Range: true, EditorMode: "code",
			})
		}
		out = append(out, p)
	}
	return out
}

// steps returns a yellow line at the predicted value and a red one at the rule's threshold.
func (s Set) steps(g graph) thresholds {
	steps := []step{{Color: "transparent"}}
	if g.normal > 0 && !math.IsInf(g.normal, 0) {
		steps = append(steps, step{"yellow", &g.normal})
	}
	for _, r := range s.Rules {
		if r.Name == g.rule && r.Threshold > g.normal {
			steps = append(steps, step{"red", &r.Threshold})
		}
	}
	return thresholds{"absolute", steps}
}

// shown returns a metric with the variables' matchers.
func (s Set) shown(name string, matchers ...string) string {
	return s.metric(name, append([]string{`job=~"$job"`, `cluster=~"$cluster"`}, matchers...)...)
}

// graphs returns the panels in the order in which trouble spreads: disk, db, raft, clients.
func (s Set) graphs() []graph {
	const member = "{{cluster}} {{instance}}"
	p, c := s.prediction, s.cluster
	rate := func(metric string, matchers ...string) string {
		return fmt.Sprintf("rate(%s[5m])", s.shown(metric, matchers...))
	}
	p99 := func(metric string, matchers ...string) string {
		return fmt.Sprintf("histogram_quantile(0.99, %s)", s.each("sum", rate(metric+"_bucket", matchers...)))
	}
	one := func(expr string) []line { return []line{{member, expr}} }
	size, quota := s.shown(metricTotal), s.shown(metricQuota)
	db := []line{
		{"file " + member, size}, {"in use " + member, s.shown(metricInUse)}, {"quota " + member, quota},
	}
	about := "The db grows for ever under the predicted load: nothing compacts it."
	if p.DB.Plateau >= 0 {
		db = append(db, line{"predicted plateau", fmt.Sprintf("vector(%d)", p.DB.Plateau)})
		about = fmt.Sprintf("Predicted plateau %s bytes.", figureOf(float64(p.DB.Plateau)))
	}
	if p.DB.QuotaIn >= 0 {
		about += fmt.Sprintf(" At the predicted growth of %s bytes/s the quota is reached in %v.",
			figureOf(p.DB.Growth), p.DB.QuotaIn.Round(time.Second))
	}
	return []graph{
		{
			"WAL fsync p99", "Bucket bounds double from 1 ms: between them the value is interpolated.", "s",
			"EtcdFsyncSlow", p.Fsync.P99.Seconds(), one(p99(metricFsync)),
		},
		{
			"Backend commit p99", "Applies wait while a commit holds the backend.", "s",
			"EtcdBackendCommitSlow", p.BackendCommit.P99.Seconds(), one(p99(metricCommit)),
		},
		{"Db size", about, "bytes", "", 0, db},
		{
			"Time to the quota", "At the growth of the last half hour; nothing where the db does not grow.", "s", "",
			s.options.Lead.Seconds(), one(fmt.Sprintf("(%s - %s) / (deriv(%s[30m]) > 0)", quota, size, size)),
		},
		{
			"Leader changes in 15 minutes", "Each one stops all writes for an election timeout or more.", "short",
			"EtcdLeaderChanges", p.Elections / 4, one(fmt.Sprintf("increase(%s[15m])",
				s.shown("etcd_server_leader_changes_seen_total"))),
		},
		{
			"Late heartbeats in 5 minutes", "The leader's loop was held up for two heartbeat intervals.", "short",
			"EtcdHeartbeatsLate", p.HeartbeatsLate * float64(c.Members-1) * window.Seconds(),
			one(fmt.Sprintf("increase(%s[5m])", s.shown("etcd_server_heartbeat_send_failures_total"))),
		},
		{
			"Proposals", fmt.Sprintf("Predicted %s/s; this cluster sustains %s/s of this mix, and its %v binds.",
				figureOf(p.Throughput), figureOf(p.Sustainable), p.Bound), "ops", "", p.Throughput, []line{
				{"committed " + member, rate("etcd_server_proposals_committed_total")},
				{"failed " + member, rate("etcd_server_proposals_failed_total")},
				{"pending " + member, s.shown("etcd_server_proposals_pending")},
			},
		},
		{
			"Peer round trip p99", "etcd wants an election timeout of ten round trips.", "s", "EtcdPeersSlow", c.RTT.Seconds(),
			[]line{{member + " to {{To}}", p99("etcd_network_peer_round_trip_time_seconds")}},
		},
		{
			"Share of slow applies", "Applies that took more than 100 ms.", "percentunit", "EtcdAppliesSlow", 0,
			one(rate("etcd_server_slow_apply_total") + " / " + rate("etcd_server_proposals_applied_total")),
		},
		{
			"Transaction p99", "Needs etcd's --metrics=extensive.", "s", "EtcdWritesSlow", p.Commit.P99.Seconds(),
			one(p99("grpc_server_handling_seconds", `grpc_type="unary"`, `grpc_method="Txn"`)),
		},
	}
}
