package observability

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
)

var promQL = parser.NewParser(parser.Options{})

// running is a controller of which nothing but numbers is asked.
type running struct{ controller.Introspector }

func (running) Stats() controller.Stats {
	return controller.Stats{Controller: "c", Caches: []informer.Stats{{Kind: schema.GroupVersionKind{Kind: "K"}}}}
}

// exported returns the labels of each metric that controller/metrics exports.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg)
	require.NoError(t, err)
	m.Running(running{})
	m.Leader("l", func() bool { return true })
	m.Ended(t.Context(), controller.Attempt{Controller: "c", Err: kerr.Mark(kerr.ClassConflict, errors.New("x")), WritesBy: map[kerr.Op]int{kerr.OpPatch: 1}})
	m.Trouble(controller.Trouble{Controller: "c", Op: kerr.OpSync, Err: errors.New("x")})
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	rt, err := rest.TransportFor(m.Instrument(&rest.Config{Host: srv.URL}))
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	require.NoError(t, err)
	answer, err := rt.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	families, err := reg.Gather()
	require.NoError(t, err)
	by := map[string][]string{}
	for _, f := range families {
		all := []string{"job", "namespace", "instance"} // which Prometheus adds
		for _, l := range f.GetMetric()[0].GetLabel() {
			all = append(all, l.GetName())
		}
		if f.GetMetric()[0].GetHistogram() != nil {
			by[f.GetName()+"_bucket"] = append(all, "le")
		}
		by[f.GetName()] = all
	}
	return by
}

// asksForWhatExists requires that a query asks for metrics and labels that are exported.
func asksForWhatExists(t *testing.T, query string, has map[string][]string) {
	t.Helper()
	expr, err := promQL.ParseExpr(query)
	require.NoError(t, err, query)
	selectors := 0
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			require.Contains(t, has, node.Name, query)
			for _, m := range node.LabelMatchers {
				if m.Name != model.MetricNameLabel {
					require.Contains(t, has[node.Name], m.Name, query)
				}
			}
			for _, above := range path {
				if by, ok := above.(*parser.AggregateExpr); ok {
					require.Subset(t, has[node.Name], by.Grouping, query)
				}
			}
			selectors++
		}
		return nil
	})
	require.Positive(t, selectors, query)
}

func shipped(t *testing.T, name string) []byte {
	t.Helper()
	text, err := metrics.Files.ReadFile(name)
	require.NoError(t, err)
	return text
}

// TestDashboardAsksForWhatExists: each query of each panel, and of each variable.
func TestDashboardAsksForWhatExists(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	require.NoError(t, json.Unmarshal(shipped(t, "dashboard.json"), &dashboard))
	replace := []string{"$__rate_interval", "5m"}
	has := exported(t)
	for _, v := range dashboard.Templating.List {
		replace = append(replace, "$"+v.Name, ".*")
		if v.Definition != "" {
			i := strings.LastIndex(v.Definition, ", ")
			query, label := strings.TrimPrefix(v.Definition[:i], "label_values("), strings.TrimSuffix(v.Definition[i+2:], ")")
			asksForWhatExists(t, strings.NewReplacer(replace...).Replace(query), has)
			require.Contains(t, has["kuberator_ready"], label)
		}
	}
	queries := 0
	for _, panel := range dashboard.Panels {
		require.Equal(t, panel.Type != "row", len(panel.Targets) > 0, panel.Title)
		for _, target := range panel.Targets {
			query := strings.NewReplacer(replace...).Replace(target.Expr)
			require.NotContains(t, query, "$")
			asksForWhatExists(t, query, has)
			queries++
		}
	}
	require.Greater(t, queries, 30)
}

func alerts(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.Parse(shipped(t, "alerts.yaml"), false, model.LegacyValidation, promQL, slog.New(slog.DiscardHandler))
	require.Empty(t, errs)
	by := map[string]rulefmt.Rule{}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			by[r.Alert] = r
		}
	}
	return by
}

// TestAlertsFireWhenTheyShall, and not before: each is evaluated by Prometheus's engine over an hour
// of series, one value a minute, in the notation of promtool. Kills: a threshold that is never
// reached, a division by a metric with other labels.
func TestAlertsFireWhenTheyShall(t *testing.T) {
	const c = `{job="j",namespace="n",controller="c"`
	cases := map[string]struct{ fires, quiet []string }{
		"KuberatorAttemptIsStuck": {[]string{`kuberator_stuck_attempts` + c + `} 1x60`}, []string{`kuberator_stuck_attempts` + c + `} 0x60`}},
		"KuberatorPanics": {
			[]string{`controller_runtime_reconcile_panics_total` + c + `} 0x55 1x5`}, []string{`controller_runtime_reconcile_panics_total` + c + `} 7x60`},
		},
		"KuberatorMostAttemptsFail": {
			[]string{`kuberator_attempts_total` + c + `,result="error",class="Timeout"} 0+3x60`, `kuberator_attempts_total` + c + `,result="success",class=""} 0+2x60`},
			[]string{`kuberator_attempts_total` + c + `,result="error",class="Conflict"} 0+3x60`, `kuberator_attempts_total` + c + `,result="success",class=""} 0+2x60`},
		},
		"KuberatorObjectsKeepFailing": {
			[]string{`kuberator_waiting_objects` + c + `,why="retry"} 1x60`}, []string{`kuberator_waiting_objects` + c + `,why="requeue"} 1x60`},
		},
		"KuberatorForbidden": {
			[]string{`kuberator_troubles_total` + c + `,op="sync",class="Forbidden"} 0+1x60`}, []string{`kuberator_attempts_total` + c + `,class="Forbidden"} 5x60`},
		},
		"KuberatorConflicts": {
			[]string{`kuberator_conflicts_total` + c + `,op="apply"} 0+1x60`, `kuberator_attempts_total` + c + `,result="error",class="Conflict"} 0+1x60`, `kuberator_attempts_total` + c + `,result="success",class=""} 0+2x60`},
			[]string{`kuberator_conflicts_total` + c + `,op="apply"} 0+1x60`, `kuberator_attempts_total` + c + `,result="error",class="Conflict"} 0+1x60`, `kuberator_attempts_total` + c + `,result="success",class=""} 0+9x60`},
		},
		"KuberatorReconcileLoop": {
			[]string{`kuberator_parked_objects` + c + `,why="loop"} 1x60`}, []string{`kuberator_parked_objects` + c + `,why="stale"} 1x60`},
		},
		"KuberatorQueueIsSlow": {
			between(`workqueue_queue_duration_seconds_bucket{job="j",namespace="n",name="c"`, "100", "1000"),
			between(`workqueue_queue_duration_seconds_bucket{job="j",namespace="n",name="c"`, "1", "10"),
		},
		"KuberatorConvergenceIsSlow": {
			between(`kuberator_generation_observed_seconds_bucket`+c, "600", "1800"), between(`kuberator_generation_observed_seconds_bucket`+c, "5", "10"),
		},
		"KuberatorDeletionIsSlow": {between(`kuberator_deletion_seconds_bucket`+c, "1800", "3600"), between(`kuberator_deletion_seconds_bucket`+c, "5", "10")},
		"KuberatorFinalizerBypassed": {
			[]string{`kuberator_bypassed_finalizers_total` + c + `} 0x30 1x30`}, []string{`kuberator_bypassed_finalizers_total` + c + `} 3x60`},
		},
		"KuberatorNotReady":     {[]string{`kuberator_ready` + c + `} 0x60`}, []string{`kuberator_ready` + c + `} 1x60`}},
		"KuberatorWatchFails":   {[]string{`kuberator_troubles_total` + c + `,op="sync",class="Transient"} 0+1x60`}, []string{`kuberator_troubles_total` + c + `,op="map",class="Panic"} 0+1x60`}},
		"KuberatorCacheIsStale": {[]string{`kuberator_cache_lag_seconds` + c + `,kind="K"} 0+10x60`}, []string{`kuberator_cache_lag_seconds` + c + `,kind="K"} 60x60`}},
		"KuberatorUndecodableObjects": {
			[]string{`kuberator_troubles_total` + c + `,op="decode",class="Undecodable"} 0x40 1x20`}, []string{`kuberator_troubles_total` + c + `,op="decode",class="Undecodable"} 1x60`},
		},
		"KuberatorRequestsFail": {
			[]string{`rest_client_requests_total{job="j",namespace="n",code="503"} 0+1x60`, `rest_client_requests_total{job="j",namespace="n",code="<error>"} 0+1x60`, `rest_client_requests_total{job="j",namespace="n",code="200"} 0+30x60`},
			[]string{`rest_client_requests_total{job="j",namespace="n",code="409"} 0+9x60`, `rest_client_requests_total{job="j",namespace="n",code="200"} 0+30x60`},
		},
		"KuberatorThrottled": {
			[]string{`rest_client_requests_total{job="j",namespace="n",host="h",code="429"} 0+9x60`}, []string{`rest_client_requests_total{job="j",namespace="n",host="h",code="429"} 0+1x60`},
		},
		"KuberatorNoLeader": {
			[]string{`leader_election_master_status{namespace="n",name="l",instance="a"} 0x60`, `leader_election_master_status{namespace="n",name="l",instance="b"} 0x60`},
			[]string{`leader_election_master_status{namespace="n",name="l",instance="a"} 0x60`, `leader_election_master_status{namespace="n",name="l",instance="b"} 1x60`},
		},
	}
	has := exported(t)
	for name, rule := range alerts(t) {
		asksForWhatExists(t, rule.Expr, has)
		require.Contains(t, cases, name)
		require.NotEmpty(t, evaluate(t, rule.Expr, cases[name].fires), "%s must fire", name)
		require.Empty(t, evaluate(t, rule.Expr, cases[name].quiet), "%s must not fire", name)
	}
	require.Len(t, cases, len(alerts(t)))
}

// between are the buckets of a histogram in which all observations are between two bounds.
func between(bucket, from, to string) []string {
	return []string{bucket + `,le="` + from + `"} 0x60`, bucket + `,le="` + to + `"} 0+1x60`, bucket + `,le="+Inf"} 0+1x60`}
}

// evaluate returns what the query finds after an hour.
func evaluate(t *testing.T, query string, series []string) promql.Vector {
	t.Helper()
	var all inMemory
	for _, one := range series {
		lbls, values, err := promQL.ParseSeriesDesc(one)
		require.NoError(t, err, one)
		var samples []chunks.Sample
		for minute, v := range values {
			samples = append(samples, sample{t: int64(minute) * time.Minute.Milliseconds(), v: v.Value})
		}
		all = append(all, storage.NewListSeries(lbls, samples))
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: promQL})
	q, err := engine.NewInstantQuery(t.Context(), storage.QueryableFunc(func(int64, int64) (storage.Querier, error) { return all, nil }), nil, query, time.UnixMilli(time.Hour.Milliseconds()))
	require.NoError(t, err)
	defer q.Close()
	found, err := q.Exec(t.Context()).Vector()
	require.NoError(t, err)
	return found
}

// inMemory are series that can be queried.
type inMemory []storage.Series

func (all inMemory) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := &found{at: -1}
	for _, one := range all {
		matches := true
		for _, m := range matchers {
			matches = matches && m.Matches(one.Labels().Get(m.Name))
		}
		if matches {
			set.series = append(set.series, one)
		}
	}
	return set
}

func (inMemory) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (inMemory) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (inMemory) Close() error { return nil }

type found struct {
	series []storage.Series
	at     int
}

func (f *found) Next() bool                        { f.at++; return f.at < len(f.series) }
func (f *found) At() storage.Series                { return f.series[f.at] }
func (f *found) Err() error                        { return nil }
func (f *found) Warnings() annotations.Annotations { return nil }

// sample is a value at a time.
type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
