package metrics_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// TestAttemptsAreCounted by result and class, as controller-runtime has them and as this library
// has them. Kills: a failure that is a success, a class that is lost, and a Requeue that is none.
func TestAttemptsAreCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(user{FinalizerName: controller.NoFinalizer, ApplyFunc: func(_ context.Context, cm *configMap) (action, error) {
			switch cm.Name {
			case "later":
				return controller.Requeue(time.Hour), nil
			case "fails":
				return controller.AwaitChange(), errors.New("not yet")
			case "wrong":
				return controller.AwaitChange(), kerr.Invalid(errors.New("the size is negative"))
			case "panics":
				panic("oh")
			case "hangs":
				time.Sleep(2 * time.Minute)
				return controller.AwaitChange(), context.DeadlineExceeded
			}
			return controller.AwaitChange(), nil
		}}, controller.Options{Timeout: time.Minute, MinBackoff: time.Hour, MaxBackoff: time.Hour})
		for _, name := range []string{"a", "b", "later", "fails", "wrong", "panics", "hangs"} {
			w.create(named(name))
		}
		settle(5 * time.Minute)
		const mine = "controller=configmap"
		for result, n := range map[string]int{"success": 2, "requeue": 1, "error": 4} {
			require.Equal(t, n, w.value("kuberator_attempts_total", mine, "op=apply", "result="+result), result)
		}
		for class, n := range map[string]int{"": 3, "Transient": 1, "Invalid": 1, "Panic": 1, "Timeout": 1} {
			require.Equal(t, n, w.value("kuberator_attempts_total", mine, "class="+class), class)
		}
		for result, n := range map[string]int{"success": 2, "requeue_after": 1, "error": 4} {
			require.Equal(t, n, w.value("controller_runtime_reconcile_total", mine, "result="+result), result)
		}
		for name, n := range map[string]int{
			"reconcile_errors_total": 4, "terminal_reconcile_errors_total": 1, "reconcile_panics_total": 1, "reconcile_timeouts_total": 1,
			"reconcile_time_seconds": 7, "max_concurrent_reconciles": 4, "active_workers": 0,
		} {
			require.Equal(t, n, w.value("controller_runtime_"+name, mine), name)
		}
		for name, n := range map[string]int{
			"retries_total": 4, "adds_total": 7, "depth": 0, "queue_duration_seconds": 7, "work_duration_seconds": 7,
		} {
			require.Equal(t, n, w.value("workqueue_"+name, mine, "name=configmap"), name)
		}
		require.Equal(t, 3, w.value("kuberator_waiting_objects", mine, "why=retry"), "not the one that is wrong")
		require.Equal(t, 1, w.value("kuberator_waiting_objects", mine, "why=requeue"))
		require.Equal(t, 7, w.value("kuberator_generation_observed_seconds")+4, "those that succeeded")
	})
}

// TestDurationsAreClassicAndNative at once: a scrape of either kind gets what it knows.
func TestDurationsAreClassicAndNative(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(user{FinalizerName: controller.NoFinalizer, ApplyFunc: func(context.Context, *configMap) (action, error) {
			time.Sleep(300 * time.Millisecond)
			return controller.AwaitChange(), nil
		}}, controller.Options{Workers: 1})
		w.create(named("a"))
		w.create(named("b"))
		settle(time.Minute)
		h := w.histogram("controller_runtime_reconcile_time_seconds")
		require.InDelta(t, 0.6, h.GetSampleSum(), 0.001)
		for _, bucket := range h.GetBucket() {
			require.Equal(t, bucket.GetUpperBound() >= 0.3, bucket.GetCumulativeCount() == 2, bucket)
		}
		for name, f := range w.families() {
			if f.GetType() != dto.MetricType_HISTOGRAM {
				continue
			}
			for _, m := range f.GetMetric() {
				require.NotEmpty(t, m.GetHistogram().GetBucket(), name)
				require.NotZero(t, m.GetHistogram().GetSchema(), "%s is native: a factor of 1.1 is schema 3", name)
			}
		}
		queue := w.histogram("workqueue_queue_duration_seconds")
		require.InDelta(t, 0.3, queue.GetSampleSum(), 0.001, "the second waited for the first")
	})
}

// TestWhatIsParkedIsSeen while it is, and afterwards how long it was. So are caches, writes, and
// own echoes. Kills: each number that is left out.
func TestWhatIsParkedIsSeen(t *testing.T) {
	inWorld(t, func(w *world) {
		const mine = "controller=configmap"
		var writes atomic.Bool
		c := w.start(user{FinalizerName: ours, ApplyFunc: func(ctx context.Context, cm *configMap) (action, error) {
			if !writes.CompareAndSwap(true, false) {
				return controller.AwaitChange(), nil
			}
			changed := cm.DeepCopy()
			changed.Data = map[string]string{"size": "1"}
			_, err := w.repo.Update(ctx, cm, changed)
			return controller.AwaitChange(), err
		}}, controller.Options{})
		a := repository.Key(w.create(named("a")))
		settle(time.Minute)
		require.Equal(t, 1, w.value("kuberator_writes_total", mine, "op=patch"), "the finalizer")
		require.Equal(t, 1, w.value("kuberator_own_echoes_total", mine))
		require.Equal(t, 1, w.value("kuberator_cache_objects", mine, "group=", "kind=ConfigMap"))
		require.Equal(t, 1, w.value("kuberator_cache_full", mine))
		require.Equal(t, 1, w.value("kuberator_ready", mine))
		require.Zero(t, w.value("kuberator_parked_objects"))
		require.Zero(t, w.value("kuberator_parked_seconds"))

		w.Watches("configmaps").Hold()
		writes.Store(true)
		c.Enqueue(a)
		settle(time.Second)
		require.Equal(t, 1, w.value("kuberator_writes_total", mine, "op=update"))
		c.Enqueue(a)
		settle(4 * time.Second)
		require.Equal(t, 1, w.value("kuberator_parked_objects", mine, "why=stale"))
		require.Equal(t, 4, w.value("kuberator_parked_longest_seconds", mine, "why=stale"))
		w.Watches("configmaps").Release()
		settle(time.Second)
		require.Zero(t, w.value("kuberator_parked_objects"))
		require.Equal(t, 1, w.value("kuberator_parked_seconds", mine))

		w.Watches("configmaps").Hold()
		w.create(named("b"))
		settle(2 * time.Minute)
		require.Positive(t, w.value("kuberator_cache_lag_seconds", mine, "kind=ConfigMap"))
		w.Watches("configmaps").Release()
		settle(time.Minute)
		require.Zero(t, w.value("kuberator_cache_lag_seconds", mine, "kind=ConfigMap"))
	})
}

// TestConflictsAreCounted: another client changes the object under each attempt.
func TestConflictsAreCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		n := 0
		w.start(user{FinalizerName: controller.NoFinalizer, ApplyFunc: func(ctx context.Context, cm *configMap) (action, error) {
			if n++; n > 2 {
				return controller.AwaitChange(), nil
			}
			other := cm.DeepCopy()
			other.Data = map[string]string{"by": "another " + strconv.Itoa(n)}
			_, err := w.client.CoreV1().ConfigMaps("ns").Update(ctx, other, metav1.UpdateOptions{})
			require.NoError(t, err)
			mine := cm.DeepCopy()
			mine.Data = map[string]string{"by": "me"}
			_, err = w.repo.Update(ctx, cm, mine)
			return controller.AwaitChange(), err
		}}, controller.Options{})
		w.create(named("a"))
		settle(time.Minute)
		require.Equal(t, 2, w.value("kuberator_conflicts_total", "controller=configmap", "op=apply"))
		require.Equal(t, 2, w.value("rest_client_requests_total", "code=409", "method=PATCH"))
	})
}

// TestDeletionsAndBypassesAreCounted: what was asked for, and what another client took away.
func TestDeletionsAndBypassesAreCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(user{FinalizerName: ours, CleanupFunc: func(context.Context, *configMap) (action, error) {
			time.Sleep(20 * time.Second)
			return controller.AwaitChange(), nil
		}}, controller.Options{})
		w.create(named("a"))
		w.create(named("b"))
		settle(time.Minute)
		configMaps := w.client.CoreV1().ConfigMaps("ns")
		require.NoError(t, configMaps.Delete(t.Context(), "a", metav1.DeleteOptions{}))
		settle(time.Minute)
		h := w.histogram("kuberator_deletion_seconds")
		require.Equal(t, uint64(1), h.GetSampleCount())
		require.InDelta(t, 20, h.GetSampleSum(), 1)
		require.Zero(t, w.value("kuberator_bypassed_finalizers_total"))

		w.Watches("configmaps").Hold() // else the finalizer is added again in between
		_, err := configMaps.Patch(t.Context(), "b", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		require.NoError(t, err)
		require.NoError(t, configMaps.Delete(t.Context(), "b", metav1.DeleteOptions{}))
		w.Watches("configmaps").Release()
		settle(time.Minute)
		require.Equal(t, 1, w.value("kuberator_bypassed_finalizers_total", "controller=configmap"))
		require.Equal(t, 2, w.value("kuberator_attempts_total", "op=cleanup", "result=success"))
	})
}

// TestTroubleIsCounted: a kind that is not served.
func TestTroubleIsCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.m.Trouble(controller.Trouble{Controller: "configmap", Op: kerr.OpSync, Err: kerr.Mark(kerr.ClassForbidden, errors.New("no right"))})
		require.Equal(t, 1, w.value("kuberator_troubles_total", "controller=configmap", "op=sync", "class=Forbidden"))
	})
}

// TestLeadershipIsAsked for each scrape.
func TestLeadershipIsAsked(t *testing.T) {
	inWorld(t, func(w *world) {
		leads := false
		w.m.Leader("example", func() bool { return leads })
		require.Zero(t, w.value("leader_election_master_status", "name=example"))
		leads = true
		require.Equal(t, 1, w.value("leader_election_master_status", "name=example"))
	})
}

// TestControllersOfOneNameAreOne and a controller that has ended has no gauges: two series of the
// same labels would make every scrape fail.
func TestControllersOfOneNameAreOne(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(user{FinalizerName: controller.NoFinalizer}, controller.Options{})
		w.start(user{FinalizerName: ours}, controller.Options{Workers: 3})
		w.create(named("a"))
		settle(time.Minute)
		require.Equal(t, 7, w.value("controller_runtime_max_concurrent_reconciles", "controller=configmap"))
		require.Equal(t, 2, w.value("kuberator_cache_objects", "controller=configmap"))
		require.GreaterOrEqual(t, w.value("workqueue_adds_total", "name=configmap"), 2)
		w.stop()
		w.stop = nil
		require.Nil(t, w.families()["kuberator_ready"], "not even 0")
		require.Positive(t, w.value("controller_runtime_reconcile_total"), "what was counted stays")
	})
}

// TestRequestsAreCounted of the clients of the instrumented configuration, and of no other. Kills:
// a configuration that is changed under others, a watch that counts as a request of an hour.
func TestRequestsAreCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		cfg := w.Config()
		before := cfg.WrapTransport
		w.m.Instrument(cfg)
		require.Equal(t, before == nil, cfg.WrapTransport == nil)
		w.start(user{FinalizerName: ours}, controller.Options{})
		w.create(named("a"))
		settle(time.Minute)
		_, err := w.repo.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: "none"})
		require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err))
		require.Equal(t, 1, w.value("rest_client_requests_total", "code=404", "method=GET"))
		require.Equal(t, 1, w.value("rest_client_requests_total", "code=200", "method=PATCH"))
		require.Zero(t, w.value("rest_client_requests_total", "method=POST"), "somebody else's")
		gets := w.value("rest_client_requests_total", "method=GET")
		require.Equal(t, gets-1, w.value("rest_client_request_duration_seconds", "verb=GET"), "but for the watch")
	})
}

// TestNewReportsWhatCannotBe: nothing to register with, and names that are taken.
func TestNewReportsWhatCannotBe(t *testing.T) {
	_, err := metrics.New(nil)
	require.Error(t, err)
	reg := prometheus.NewRegistry()
	_, err = metrics.New(reg)
	require.NoError(t, err)
	_, err = metrics.New(reg)
	require.ErrorAs(t, err, &prometheus.AlreadyRegisteredError{})
	_, err = metrics.New(prometheus.WrapRegistererWith(prometheus.Labels{"part": "b"}, prometheus.NewRegistry()))
	require.NoError(t, err)
}

// dashboards is what others ask for: the Grafana dashboards of kubebuilder (grafana/v1-alpha) and
// of kubernetes-mixin (controller manager), and the alerts that go with them.
var dashboards = map[string][]string{
	"controller_runtime_active_workers":            {"controller"},
	"controller_runtime_max_concurrent_reconciles": {"controller"},
	"controller_runtime_reconcile_total":           {"controller", "result"},
	"controller_runtime_reconcile_errors_total":    {"controller"},
	"controller_runtime_reconcile_time_seconds":    {"controller"},
	"workqueue_depth":                              {"name", "controller", "priority"},
	"workqueue_adds_total":                         {"name", "controller"},
	"workqueue_queue_duration_seconds":             {"name", "controller"},
	"workqueue_work_duration_seconds":              {"name", "controller"},
	"workqueue_unfinished_work_seconds":            {"name", "controller"},
	"workqueue_longest_running_processor_seconds":  {"name", "controller"},
	"workqueue_retries_total":                      {"name", "controller"},
	"rest_client_requests_total":                   {"code", "method", "host"},
	"rest_client_request_duration_seconds":         {"verb", "host"},
	"leader_election_master_status":                {"name"},
}

// TestDashboardsThatExistGoOnToWork. Kills: a metric or a label of another name.
func TestDashboardsThatExistGoOnToWork(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(user{FinalizerName: ours}, controller.Options{})
		w.m.Leader("example", func() bool { return true })
		_, _ = w.repo.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: "none"})
		families := w.families() // nothing else has happened, and all is there
		for name, labels := range dashboards {
			f := families[name]
			require.NotNil(t, f, name)
			for _, m := range f.GetMetric() {
				var have []string
				for _, l := range m.GetLabel() {
					have = append(have, l.GetName())
				}
				require.ElementsMatch(t, labels, have, name)
			}
		}
	})
}

// TestPromlintHasNothingToSay about names, units and help.
func TestPromlintHasNothingToSay(t *testing.T) {
	inWorld(t, func(w *world) {
		everything(w)
		all, err := w.reg.Gather()
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(all), 35)
		problems, err := promlint.NewWithMetricFamilies(all).Lint()
		require.NoError(t, err)
		require.Empty(t, problems)
	})
}

// everything has each metric have a value, in a world full of what must not be in labels.
func everything(w *world) {
	w.t.Helper()
	const canary = "canary"
	boom := errors.New(canary + "-error")
	u := user{FinalizerName: ours, ApplyFunc: func(ctx context.Context, cm *configMap) (action, error) {
		switch strings.TrimPrefix(cm.Name, canary+"-") {
		case "fails":
			return controller.AwaitChange(), boom
		case "panics":
			panic(canary + "-panic")
		case "own-step":
			return controller.AwaitChange(), &kerr.Error{Op: canary + "-op", Key: repository.Key(cm), Err: boom}
		case "conflict":
			return controller.AwaitChange(), kerr.Mark(kerr.ClassConflict, boom)
		}
		changed := cm.DeepCopy()
		changed.Labels = map[string]string{canary: canary}
		_, err := w.repo.Update(ctx, cm, changed)
		return controller.AwaitChange(), err
	}}
	w.start(u, controller.Options{MinBackoff: time.Hour, MaxBackoff: time.Hour})
	w.m.Leader("example", func() bool { return true })
	for _, name := range []string{"a", "fails", "panics", "own-step", "conflict"} {
		cm := named(canary + "-" + name)
		cm.Labels, cm.Annotations = map[string]string{canary + "-label": canary}, map[string]string{canary + "-note": canary}
		cm.Data = map[string]string{canary + "-data": canary}
		w.create(cm)
	}
	settle(time.Minute)
	require.NoError(w.t, w.client.CoreV1().ConfigMaps("ns").Delete(w.t.Context(), canary+"-a", metav1.DeleteOptions{}))
	settle(time.Minute)
	w.m.Trouble(controller.Trouble{Controller: "configmap", Op: canary + "-op", Key: types.NamespacedName{Name: canary}, Err: boom})
	w.m.Ended(w.t.Context(), controller.Attempt{
		Controller: "configmap", Key: types.NamespacedName{Name: canary}, Op: kerr.OpApply, Parked: time.Second, Next: -1,
		WritesBy: map[kerr.Op]int{canary + "-op": 1}, Reasons: []controller.Reason{{Verb: canary, Key: types.NamespacedName{Name: canary}}},
	})
}

// TestS2NoLabelSaysWhatUsersWrote, nor the name of an object: neither names, labels, data, errors,
// panics, nor steps of user code. Kills: a label of the text of an error, and one of a step that
// anybody can name.
func TestS2NoLabelSaysWhatUsersWrote(t *testing.T) {
	inWorld(t, func(w *world) {
		everything(w)
		text := w.text()
		require.NotContains(t, text, "canary")
		require.Contains(t, text, `kuberator_attempts_total{class="Panic",controller="configmap",op="apply",result="error"} 1`)
		require.Contains(t, text, `op="other"`)
		for _, name := range []string{"kuberator_writes_total", "kuberator_conflicts_total", "kuberator_deletion_seconds_count", "kuberator_troubles_total"} {
			require.Contains(t, text, name+"{")
		}
	})
}

// TestG21PausedObjectsAreCounted, and the time of a pause is none that somebody waited.
func TestG21PausedObjectsAreCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(user{FinalizerName: controller.NoFinalizer}, controller.Options{})
		cm := named("a")
		cm.Annotations = map[string]string{controller.PausedAnnotation: time.Now().Add(time.Hour).Format(time.RFC3339)}
		w.create(cm)
		settle(time.Minute)
		require.Equal(t, 1, w.value("kuberator_parked_objects", "why=paused"))
		require.Equal(t, 1, w.value("kuberator_attempts_total", "op=pause", "result=success"))
		settle(time.Hour)
		require.Zero(t, w.value("kuberator_parked_objects", "why=paused"))
		require.Zero(t, w.value("kuberator_parked_seconds"))
	})
}

// TestG19SeriesDoNotGrowWithObjects. Kills: labels that name objects, however escaped.
func TestG19SeriesDoNotGrowWithObjects(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(user{FinalizerName: controller.NoFinalizer, ApplyFunc: func(_ context.Context, cm *configMap) (action, error) {
			return controller.AwaitChange(), errors.New("not " + cm.Name)
		}}, controller.Options{})
		churn := func(from, to int) int {
			for n := from; n < to; n++ {
				w.create(named("o" + strconv.Itoa(n)))
			}
			settle(5 * time.Minute)
			return strings.Count(w.text(), "\n")
		}
		require.Equal(t, churn(0, 1), churn(1, 100))
	})
}

// TestStepsHaveLabels of their own: none of the library's is called other. Kills: a new step that
// is forgotten here.
func TestStepsHaveLabels(t *testing.T) {
	inWorld(t, func(w *world) {
		file, err := parser.ParseFile(token.NewFileSet(), "../../kerr/error.go", nil, 0)
		require.NoError(t, err)
		steps := 0
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Op") || len(spec.Values) == 0 {
				return true
			}
			op, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			w.m.Trouble(controller.Trouble{Controller: "c", Op: kerr.Op(op), Err: errors.New("x")})
			require.Equal(t, 1, w.value("kuberator_troubles_total", "op="+op), op)
			steps++
			return true
		})
		require.Greater(t, steps, 15)
	})
}
