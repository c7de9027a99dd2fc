package alerts

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
)

// A selector reaches the rules as PromQL writes it, whatever it looked like.
func TestSelectorIsParsed(t *testing.T) {
	for in, want := range map[string]string{
		"":                                ``,
		" \n":                             ``,
		`job="etcd"`:                      `job="etcd"`,
		` job = 'etcd' , cluster=~"a|b",`: `job="etcd",cluster=~"a|b"`,
		"job=\"etcd\" # all of them\n":    `job="etcd"`,
		"cluster=`prod\"`":                `cluster="prod\""`,
		`cluster!="",instance!~"test.*"`:  `cluster!="",instance!~"test.*"`,
	} {
		got, err := parseSelector(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got)
	}
}

// hostile are texts that would change what a rule says if they were only pasted into it.
var hostile = []string{
	`job="etcd"} or vector(1) or up{job="x"`, `job="etcd"}[5m]`, `} > 0 or vector(1) #`, `{job="etcd"}`, `job=etcd`,
	`job="etcd`, `job=~"("`, `job="etcd",,`, `__name__="up"`, `__name__=~".+"`, `le="1"`, `grpc_code="OK"`, `a b`,
	"job=\"etcd\"\x00", "\xff\xfe", `job="etcd" or job="x"`, `"up"`, `=""`, `job="a" # }`, strings.Repeat("(", 100_000),
}

func TestHostileSelectors(t *testing.T) {
	for _, text := range hostile {
		_, err := For(etcdmodel.Cluster{}, eventStorm(1), Options{Selector: text})
		require.ErrorIs(t, err, etcdmodel.ErrInput, text)
		require.ErrorContains(t, err, "etcdmodel: alerts: Options.Selector is ")
		assert.Less(t, len(err.Error()), 1500)
	}
}

// Whatever parses as a selector leaves rules whose expressions parse and that hold its matchers.
func FuzzSelector(f *testing.F) {
	for _, text := range append(hostile, `job="etcd"`, `a!="\"}"`) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		selector, err := parseSelector(text)
		if err != nil || selector == "" {
			return
		}
		s := Set{options: Options{Selector: selector}}
		_, err = promQL.ParseExpr(s.metric("up") + " > 0")
		require.NoError(t, err, "%q", text)
		again, err := parseSelector(selector)
		require.NoError(t, err)
		require.Equal(t, selector, again)
	})
}

func TestBadOptions(t *testing.T) {
	for field, o := range map[string]Options{
		"MemberLabels[1]": {MemberLabels: []string{"pod", "le"}},
		"Without[0]":      {Without: []string{"a) or vector(1"}},
		"Name":            {Name: "Etcd Rules"},
		"Namespace":       {Namespace: "a.b"},
		"Labels":          {Labels: map[string]string{"a": "b\n"}},
		"Lead":            {Lead: -1},
		"DiskLead":        {DiskLead: 1 << 62},
		"Climb":           {Climb: -time.Hour},
	} {
		_, err := For(etcdmodel.Cluster{}, eventStorm(1), o)
		require.ErrorIs(t, err, etcdmodel.ErrInput, field)
		require.ErrorContains(t, err, "etcdmodel: alerts: Options."+field+" is ")
	}
}

// Every expression of every shape of cluster and options is PromQL.
func TestEveryExpressionParses(t *testing.T) {
	for _, o := range []Options{
		{}, {Selector: `job="etcd"`}, {Without: []string{"prometheus_replica"}, Selector: `a=~"b\\."`},
		{MemberLabels: []string{}}, {BesideMixin: true},
	} {
		for _, members := range []int{1, 3} {
			for _, rate := range []float64{0.1, 500} {
				set, err := For(etcdmodel.Cluster{Members: members}, eventStorm(rate), o)
				require.NoError(t, err)
				for _, r := range set.Rules {
					_, err := promQL.ParseExpr(r.Expr)
					require.NoError(t, err, r.Expr)
				}
			}
		}
	}
}

// Rules about a member keep every label; those about a cluster drop the members' alone.
func TestLabelsAreKept(t *testing.T) {
	rules, _ := rulesOf(t, etcdmodel.Cluster{}, eventStorm(50), Options{})
	for name, r := range rules {
		assert.NotContains(t, r.Expr, " by ", name)
	}
	assert.Contains(t, rules["EtcdMembersDown"].Expr, "count without (instance, pod, node) (etcd_server_has_leader)")
	assert.NotContains(t, rules["EtcdFsyncSlow"].Expr, "without")
	rules, _ = rulesOf(t, etcdmodel.Cluster{}, eventStorm(50), Options{Without: []string{"replica"}})
	assert.Contains(t, rules["EtcdFsyncSlow"].Expr, "sum without (replica) (rate(")
	assert.Contains(t, rules["EtcdDatabaseNearQuota"].Expr, "max without (replica) (etcd_mvcc_db_total_size_in_bytes)")
}

func TestWithoutWhatTheMixinHas(t *testing.T) {
	rules, _ := rulesOf(t, etcdmodel.Cluster{}, eventStorm(50), Options{BesideMixin: true})
	assert.NotContains(t, rules, "EtcdNoLeader")
	assert.Contains(t, rules, "EtcdDatabaseNearQuota")
}
