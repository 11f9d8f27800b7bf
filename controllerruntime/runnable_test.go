package controllerruntime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/controllerruntime"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// counts is a controller of this library that counts its calls.
func counts(t *testing.T, mgr ctrl.Manager, applied *atomic.Int32) *controller.Controller[*corev1.ConfigMap, controller.Funcs[*corev1.ConfigMap]] {
	t.Helper()
	repo, err := controllerruntime.Repository[corev1.ConfigMap](mgr, repository.InNamespaces("default"))
	require.NoError(t, err)
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{
		FinalizerName: controller.NoFinalizer,
		ApplyFunc: func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
			applied.Add(1)
			return controller.AwaitChange(), nil
		},
	}, nil)
	require.NoError(t, err)
	return c
}

// A controller waits until the manager leads, with full caches. What is for each replica runs from the start.
func TestLeadAndEachReplica(t *testing.T) {
	within(t, elects, func(t *testing.T, w *world) {
		w.lead(time.Minute)
		w.create(configMap("a"))
		var applied, everywhere, cold atomic.Int32
		c := counts(t, w.mgr, &applied)
		require.NoError(t, controllerruntime.Lead(w.mgr, c))
		require.NoError(t, controllerruntime.EachReplica(w.mgr, counts(t, w.mgr, &everywhere)))
		hidden := counts(t, w.mgr, &cold)
		require.NoError(t, controllerruntime.Lead(w.mgr, controller.RunnerFunc(hidden.Run)))
		w.begin()
		require.NoError(t, c.Ready())
		require.Error(t, hidden.Ready())
		require.Zero(t, applied.Load())
		require.Equal(t, int32(1), everywhere.Load())
		time.Sleep(2 * time.Minute)
		require.Equal(t, int32(1), applied.Load())
		require.Equal(t, int32(1), cold.Load())
	})
}

// slow is a controller that writes at the end of a call, and says what came of it.
func slow(t *testing.T, w *world, until <-chan struct{}) <-chan error {
	t.Helper()
	wrote := make(chan error, 1)
	repo, err := controllerruntime.Repository[corev1.ConfigMap](w.mgr, repository.InNamespaces("default"))
	require.NoError(t, err)
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{
		FinalizerName: controller.NoFinalizer,
		ApplyFunc: func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
			if cm.Name == "a" {
				<-until
				_, err := repo.Create(ctx, configMap("written"))
				wrote <- err
			}
			return controller.AwaitChange(), nil
		},
	}, nil)
	require.NoError(t, err)
	require.NoError(t, controllerruntime.Lead(w.mgr, c))
	w.create(configMap("a"))
	return wrote
}

// A process that has noticed that its lease is lost sends nothing any more.
func TestNothingIsWrittenAfterALostLease(t *testing.T) {
	within(t, elects, func(t *testing.T, w *world) {
		lost := make(chan struct{})
		wrote := slow(t, w, lost)
		w.begin()
		time.Sleep(time.Minute)
		w.loses()
		time.Sleep(time.Second)
		close(lost)
		require.Equal(t, kerr.ClassNotLeader, kerr.ClassOf(<-wrote))
		time.Sleep(time.Minute)
	})
}

// Without that, a running call may finish when the manager ends.
func TestARunningCallMayFinishAtTheEnd(t *testing.T) {
	within(t, elects, func(t *testing.T, w *world) {
		end := make(chan struct{})
		wrote := slow(t, w, end)
		w.begin()
		time.Sleep(time.Minute)
		time.AfterFunc(15*time.Second, func() { close(end) })
		w.stop()
		require.NoError(t, <-wrote)
	})
}

// A controller can be added to a manager that runs, and to one that never leads.
func TestLeadOfAManagerThatRuns(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.create(configMap("a"))
		w.begin()
		var n atomic.Int32
		require.NoError(t, controllerruntime.Lead(w.mgr, counts(t, w.mgr, &n)))
		w.settle()
		require.Equal(t, int32(1), n.Load())
		w.stop()
		require.Error(t, controllerruntime.Lead(w.mgr, counts(t, w.mgr, &n)), "it has ended")
	})
	within(t, elects, func(t *testing.T, w *world) {
		w.lead(time.Hour)
		var n atomic.Int32
		require.NoError(t, controllerruntime.Lead(w.mgr, counts(t, w.mgr, &n)))
		w.begin()
		time.Sleep(time.Minute)
		w.stop()
		require.Zero(t, n.Load())
	})
}

// The metrics of both have the same names, and so a registry and a path each.
func TestMetricsOfBoth(t *testing.T) {
	within(t, func(o *ctrl.Options) { o.Metrics.BindAddress = "127.0.0.1:0" }, func(t *testing.T, w *world) {
		_, err := metrics.New(crmetrics.Registry)
		require.ErrorContains(t, err, "a previously registered descriptor with the same fully-qualified name")
		mgr := w.mgr
		registry := prometheus.NewRegistry()
		m, err := metrics.New(registry)
		require.NoError(t, err)
		require.NoError(t, mgr.AddMetricsServerExtraHandler("/metrics/kuberator", promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
		repo, err := controllerruntime.Repository[corev1.ConfigMap](mgr)
		require.NoError(t, err)
		c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer}, &controller.Options{Observer: m})
		require.NoError(t, err)
		require.NoError(t, controllerruntime.Lead(mgr, c))
		w.calls(&calls{})
	})
}

func TestRepository(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.create(configMap("a", "v", "1"))
		cms, err := controllerruntime.Repository[corev1.ConfigMap](w.mgr)
		require.NoError(t, err)
		got, err := cms.List(t.Context(), "default", metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, got, 1)
		namespaces, err := controllerruntime.Repository[corev1.Namespace](w.mgr)
		require.NoError(t, err)
		all, err := namespaces.List(t.Context(), "", metav1.ListOptions{})
		require.NoError(t, err)
		require.NotEmpty(t, all)
		_, err = controllerruntime.Repository[corev1.Namespace](w.mgr, repository.InNamespaces("default"))
		require.ErrorContains(t, err, "cluster-scoped")
		_, err = controllerruntime.Repository[corev1.Binding](w.mgr)
		require.ErrorContains(t, err, "new repository of v1.Binding: no matches for kind")
		_, err = controllerruntime.Repository[unregistered](w.mgr)
		require.ErrorContains(t, err, "no kind is registered")
	})
}
