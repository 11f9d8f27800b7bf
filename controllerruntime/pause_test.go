package controllerruntime_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kuberator/kuberator/controller"
)

// No predicate hides a pause, and no pause a deletion.
func TestG21AnAdaptedReconcilerIsPaused(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		excludes := predicate.NewPredicateFuncs(func(obj client.Object) bool { return obj.GetAnnotations()["other"] == "" })
		onlyV := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.(*corev1.ConfigMap).Data["v"] != e.ObjectNew.(*corev1.ConfigMap).Data["v"]
		}}
		c := w.calls(&calls{}, excludes, onlyV)
		held := configMap("a", "v", "1")
		held.Finalizers = []string{"example.com/theirs"}
		w.create(held)
		other := configMap("other", "v", "1")
		other.Annotations = map[string]string{"other": "yes"}
		w.create(other)
		w.start()
		require.Equal(t, []string{"a 1"}, c.take())
		w.change("a", pause("true"))
		w.change("other", func(cm *corev1.ConfigMap) { cm.Annotations[controller.PausedAnnotation] = "true" })
		w.settle()
		require.Empty(t, c.take(), "a pause is no reason for a call")
		w.change("a", pause("false"))
		w.settle()
		require.Empty(t, c.take(), "nor is its end, if nothing is owed")
		w.change("a", pause("true"))
		w.change("a", set("2"))
		w.settle()
		require.Empty(t, c.take())
		w.change("a", pause("false"))
		w.settle()
		require.Equal(t, []string{"a 2"}, c.take())
		w.change("other", func(cm *corev1.ConfigMap) { cm.Annotations[controller.PausedAnnotation] = "false" })
		w.settle()
		require.Empty(t, c.take(), "the end of a pause of what the predicates exclude")
		w.change("a", pause("true"))
		time.Sleep(time.Second)
		w.ask("a")
		w.settle()
		require.Empty(t, c.take())
		w.delete("a")
		w.settle()
		require.Equal(t, []string{"a deleting"}, c.take(), "it is the end of a pause, although the predicate hides it")
		w.change("a", func(cm *corev1.ConfigMap) { cm.Finalizers = nil })
		w.settle()
		require.Equal(t, []string{"a gone"}, c.take())
	})
}

// A pause counts however it came about that the reconciler was to be called.
func TestG21APauseThatPredicatesHide(t *testing.T) {
	hides := predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false }, UpdateFunc: func(event.UpdateEvent) bool { return false },
	}
	within(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{answer: func(ctrl.Request, int) (ctrl.Result, error) { return ctrl.Result{RequeueAfter: time.Minute}, nil }}, hides)
		paused := configMap("a", "v", "1")
		pause("true")(paused)
		w.create(paused)
		w.create(configMap("b", "v", "1"))
		w.begin()
		w.ask("a")
		w.ask("b")
		time.Sleep(10 * time.Second)
		require.Equal(t, []string{"b 1"}, c.take(), "of a source")
		w.change("b", pause("true"))
		w.settle()
		require.Empty(t, c.take(), "of a timer")
		w.change("a", pause("nonsense"))
		w.settle()
		require.Empty(t, c.take(), "of a value that means nothing")
		w.change("a", pause(time.Now().Add(30*time.Minute).UTC().Format(time.RFC3339)))
		time.Sleep(29 * time.Minute)
		require.Empty(t, c.take())
		time.Sleep(2 * time.Minute)
		require.NotEmpty(t, c.take(), "its time has come")
		w.delete("b")
		time.Sleep(time.Second)
		require.Contains(t, c.take(), "b gone", "and there is no object to be paused")
	})
}

// After a pause an object starts over: earlier failures are forgotten.
func TestG21APauseEndsTheFailures(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{answer: func(ctrl.Request, int) (ctrl.Result, error) {
			return ctrl.Result{Requeue: true}, nil //nolint:staticcheck // it is still there
		}})
		w.create(configMap("a"))
		w.start()
		w.change("a", pause("true"))
		w.settle()
		c.take()
		w.change("a", pause("false"))
		time.Sleep(10 * time.Second)
		require.Greater(t, len(c.take()), 5)
	})
}
