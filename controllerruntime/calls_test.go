package controllerruntime_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kuberator/kuberator/controller"
)

// calls are what a reconciler was called for: a name and what its client then had of it.
type calls struct {
	client client.Client
	answer func(req ctrl.Request, n int) (ctrl.Result, error) // nil is success

	mu   sync.Mutex
	seen []string
	at   []time.Time
}

func (c *calls) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	what := req.Name + " gone"
	cm := &corev1.ConfigMap{}
	switch err := c.client.Get(ctx, req.NamespacedName, cm); {
	case client.IgnoreNotFound(err) != nil:
		return ctrl.Result{}, err
	case err == nil && cm.DeletionTimestamp != nil:
		what = req.Name + " deleting"
	case err == nil:
		what = req.Name + " " + cm.Data["v"]
	}
	c.mu.Lock()
	c.seen, c.at = append(c.seen, what), append(c.at, time.Now())
	n := len(c.seen)
	c.mu.Unlock()
	if c.answer == nil {
		return ctrl.Result{}, nil
	}
	return c.answer(req, n)
}

// take returns what was seen since the last call.
func (c *calls) take() (seen []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen, c.seen, c.at = c.seen, nil, nil
	return seen
}

// all returns what was seen.
func (c *calls) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}

// waits returns how long it was between the calls, rounded.
func (c *calls) waits(to time.Duration) (waits []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.at[1:] {
		waits = append(waits, c.at[i+1].Sub(c.at[i]).Round(to))
	}
	return waits
}

func (w *world) create(obj client.Object) {
	w.t.Helper()
	require.NoError(w.t, w.client.Create(w.t.Context(), obj))
}

func (w *world) change(name string, f func(cm *corev1.ConfigMap)) {
	w.t.Helper()
	cm := &corev1.ConfigMap{}
	require.NoError(w.t, w.client.Get(w.t.Context(), client.ObjectKey{Namespace: "default", Name: name}, cm))
	f(cm)
	require.NoError(w.t, w.client.Update(w.t.Context(), cm))
}

func (w *world) delete(name string) {
	w.t.Helper()
	require.NoError(w.t, w.client.Delete(w.t.Context(), configMap(name)))
}

func set(v string) func(cm *corev1.ConfigMap) {
	return func(cm *corev1.ConfigMap) { cm.Data = map[string]string{"v": v} }
}

func pause(v string) func(cm *corev1.ConfigMap) {
	return func(cm *corev1.ConfigMap) { cm.Annotations = map[string]string{controller.PausedAnnotation: v} }
}
