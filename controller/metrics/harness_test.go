package metrics_test

import (
	"context"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

type (
	configMap = corev1.ConfigMap
	action    = controller.Action
	user      = controller.Funcs[*configMap]
	operator  = controller.Controller[*configMap, user]
)

const ours = "example.com/cleanup"

// world is a simulated server, in virtual time, and an operator of ConfigMaps that is measured.
type world struct {
	*sim.Server
	t      *testing.T
	client kubernetes.Interface // of somebody else
	reg    *prometheus.Registry
	m      *metrics.Metrics
	repo   *repository.Live[*configMap]
	stop   func()
}

func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps", "secrets"), Namespaces: []string{"ns"}})
		require.NoError(t, err)
		defer srv.Close()
		w := &world{Server: srv, t: t, reg: prometheus.NewPedanticRegistry()}
		w.client, err = kubernetes.NewForConfig(srv.Config())
		require.NoError(t, err)
		w.m, err = metrics.New(w.reg)
		require.NoError(t, err)
		w.repo, err = repository.New[configMap](w.m.Instrument(srv.Config()), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		require.NoError(t, err)
		f(w)
		if w.stop != nil {
			w.stop()
		}
	})
}

// start runs an operator until w.stop is called.
func (w *world) start(u user, opts controller.Options) *operator {
	w.t.Helper()
	opts.Observer, opts.Logger = w.m, zap.NewNop()
	c, err := controller.New(w.repo, u, &opts)
	require.NoError(w.t, err)
	w.run(c)
	return c
}

func (w *world) run(c controller.Runner) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	before := w.stop
	w.stop = func() {
		cancel()
		require.NoError(w.t, <-done)
		if before != nil {
			before()
		}
	}
	settle(time.Second)
}

func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) create(cm *configMap) *configMap {
	w.t.Helper()
	got, err := w.client.CoreV1().ConfigMaps("ns").Create(w.t.Context(), cm, metav1.CreateOptions{})
	require.NoError(w.t, err)
	return got
}

func named(name string) *configMap {
	return &configMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
}

// text is what a scrape returns.
func (w *world) text() string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	promhttp.HandlerFor(w.reg, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), "GET", "/metrics", nil))
	require.Equal(w.t, 200, rec.Code, rec.Body)
	return rec.Body.String()
}

func (w *world) families() map[string]*dto.MetricFamily {
	w.t.Helper()
	all, err := w.reg.Gather()
	require.NoError(w.t, err)
	by := map[string]*dto.MetricFamily{}
	for _, f := range all {
		by[f.GetName()] = f
	}
	return by
}

// value is that of a metric that has the labels, such as "op=apply", added up. Of a histogram it
// is the number of observations. It is rounded: what is asked for are counts.
func (w *world) value(name string, labels ...string) int {
	w.t.Helper()
	sum := 0.0
	f := w.families()[name]
	require.NotNil(w.t, f, name)
	for _, m := range f.GetMetric() {
		if has(m, labels) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return int(math.Round(sum))
}

// histogram returns the only one that has the labels.
func (w *world) histogram(name string, labels ...string) *dto.Histogram {
	w.t.Helper()
	var found []*dto.Histogram
	for _, m := range w.families()[name].GetMetric() {
		if has(m, labels) {
			found = append(found, m.GetHistogram())
		}
	}
	require.Len(w.t, found, 1, name)
	return found[0]
}

func has(m *dto.Metric, labels []string) bool {
	for _, label := range labels {
		name, value, _ := strings.Cut(label, "=")
		ok := false
		for _, l := range m.GetLabel() {
			ok = ok || l.GetName() == name && l.GetValue() == value
		}
		if !ok {
			return false
		}
	}
	return true
}
