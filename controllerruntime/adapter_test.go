package controllerruntime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controllerruntime"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/fault"
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

// adapt adds the calls to the manager of a world.
func (c *calls) adapt(w *world, opts *controller.Options, predicates ...predicate.Predicate) *controllerruntime.Adapter {
	w.t.Helper()
	c.client = w.mgr.GetClient()
	a, err := controllerruntime.Adapt(w.mgr, &corev1.ConfigMap{}, c, opts, predicates...)
	require.NoError(w.t, err)
	require.NoError(w.t, w.mgr.Add(controllerruntime.Lead(a)))
	return a
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

// The reconciler is called for all that it was called for by controller-runtime: also while the object is being
// deleted, and when it is gone.
func TestAReconcilerSeesALife(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := &calls{}
		c.adapt(w, nil)
		before := configMap("a", "v", "1")
		before.Finalizers = []string{"example.com/theirs"}
		w.create(before)
		w.start()
		require.Equal(t, []string{"a 1"}, c.take())
		w.create(configMap("b", "v", "1"))
		w.change("a", set("2"))
		w.settle()
		seen := c.take()
		slices.Sort(seen)
		require.Equal(t, []string{"a 2", "b 1"}, seen)
		w.delete("a")
		w.settle()
		require.Equal(t, []string{"a deleting"}, c.take())
		w.change("a", func(cm *corev1.ConfigMap) { cm.Finalizers = nil })
		w.settle()
		require.Equal(t, []string{"a gone"}, c.take())
		w.delete("b")
		w.settle()
		require.Equal(t, []string{"b gone"}, c.take())
		w.create(configMap("a", "v", "3"))
		w.settle()
		require.Equal(t, []string{"a 3"}, c.take())
	})
}

// objects is an ObjectReconciler.
type objects struct{ seen chan string }

func (o objects) Reconcile(_ context.Context, cm *corev1.ConfigMap) (ctrl.Result, error) {
	o.seen <- fmt.Sprint(cm.Name, " ", cm.DeletionTimestamp != nil)
	return ctrl.Result{}, nil
}

func TestAnObjectReconciler(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		o := objects{make(chan string, 10)}
		a, err := controllerruntime.Adapt(w.mgr, &corev1.ConfigMap{}, reconcile.AsReconciler(w.mgr.GetClient(), o), nil)
		require.NoError(t, err)
		require.NoError(t, w.mgr.Add(controllerruntime.Lead(a)))
		w.start()
		held := configMap("a")
		held.Finalizers = []string{"example.com/theirs"}
		w.create(held)
		require.Equal(t, "a false", <-o.seen)
		w.delete("a")
		require.Equal(t, "a true", <-o.seen)
		w.change("a", func(cm *corev1.ConfigMap) { cm.Finalizers = nil })
		w.settle()
		require.Empty(t, o.seen)
		require.NoError(t, a.Ready())
		require.NoError(t, a.Healthy())
	})
}

// What is gone is reconciled until that succeeds, and is then forgotten.
func TestWhatIsGoneIsTriedAgain(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := &calls{answer: func(_ ctrl.Request, n int) (ctrl.Result, error) {
			switch n {
			case 2, 3:
				return ctrl.Result{}, errors.New("not yet")
			case 4:
				return ctrl.Result{RequeueAfter: time.Minute}, nil
			}
			return ctrl.Result{}, nil
		}}
		a := c.adapt(w, nil)
		w.create(configMap("a", "v", "1"))
		w.start()
		w.delete("a")
		w.settle()
		require.Equal(t, []string{"a 1", "a gone", "a gone", "a gone", "a gone"}, c.all())
		require.Equal(t, time.Minute, c.waits(time.Second)[3])
		require.Zero(t, controllerruntime.Known(a))
	})
}

// A name of which nothing exists is reconciled if a source asks for it.
func TestSources(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := &calls{}
		a := c.adapt(w, nil)
		owner := handler.TypedEnqueueRequestForOwner[*corev1.Secret](w.mgr.GetScheme(), w.mgr.GetRESTMapper(), &corev1.ConfigMap{}, handler.OnlyControllerOwner())
		a.Watch(source.Kind(w.mgr.GetCache(), &corev1.Secret{}, owner))
		outside := make(chan event.TypedGenericEvent[string])
		a.Watch(source.Channel(outside, handler.TypedFuncs[string, reconcile.Request]{
			GenericFunc: func(_ context.Context, e event.TypedGenericEvent[string], q controllerruntime.Queue) {
				for i, name := range strings.Fields(e.Object) {
					q.AddAfter(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: name}}, time.Duration(i)*time.Second)
				}
			},
		}))
		w.create(configMap("a", "v", "1"))
		w.start()
		require.Equal(t, []string{"a 1"}, c.take())
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "of-a"}}
		cm := &corev1.ConfigMap{}
		require.NoError(t, w.client.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "a"}, cm))
		require.NoError(t, ctrl.SetControllerReference(cm, secret, w.client.Scheme()))
		w.create(secret)
		w.settle()
		require.Equal(t, []string{"a 1"}, c.take())
		outside <- event.TypedGenericEvent[string]{Object: "unknown a"}
		w.settle()
		require.Equal(t, time.Second, c.waits(time.Second)[0])
		require.Equal(t, []string{"unknown gone", "a 1"}, c.take())
		require.Equal(t, 1, controllerruntime.Known(a))
	})
}

func TestWhatBecomesOfAResult(t *testing.T) {
	second := time.Second
	for name, test := range map[string]struct {
		result ctrl.Result
		err    error
		calls  int
		waits  []time.Duration
	}{
		"nothing":       {calls: 1},
		"terminal":      {err: reconcile.TerminalError(errors.New("no")), calls: 1},
		"wrapped":       {err: fmt.Errorf("wrapped: %w", reconcile.TerminalError(errors.New("no"))), calls: 1},
		"requeue after": {result: ctrl.Result{RequeueAfter: 40 * time.Minute}, calls: 2, waits: []time.Duration{40 * time.Minute}},
		"beside it":     {result: ctrl.Result{RequeueAfter: time.Second}, err: reconcile.TerminalError(errors.New("no")), calls: 1},
		"kerr.After":    {err: kerr.After(50*time.Minute, errors.New("later")), calls: 2, waits: []time.Duration{50 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, w *world) {
				c := &calls{answer: func(ctrl.Request, int) (ctrl.Result, error) { return test.result, test.err }}
				c.adapt(w, nil)
				w.create(configMap("a"))
				w.start()
				require.Len(t, c.all(), test.calls)
				require.Equal(t, test.waits, c.waits(second))
			})
		})
	}
	within(t, nil, func(t *testing.T, w *world) {
		c := &calls{answer: func(_ ctrl.Request, n int) (ctrl.Result, error) { return ctrl.Result{Requeue: n < 3}, nil }} //nolint:staticcheck // it is still there
		c.adapt(w, nil)
		w.create(configMap("a"))
		w.start()
		require.Equal(t, []time.Duration{second, second}, c.waits(time.Millisecond))
	})
}

// An event that is no edit leaves the backoff alone, and an edit ends it.
func TestEventsDuringABackoff(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := &calls{answer: func(_ ctrl.Request, n int) (ctrl.Result, error) {
			return ctrl.Result{}, kerr.After(30*time.Minute, errors.New("no"))
		}}
		a := c.adapt(w, nil)
		ask := make(chan event.GenericEvent)
		a.Watch(source.Channel(ask, &handler.EnqueueRequestForObject{}))
		w.create(configMap("a", "v", "1"))
		ctx := w.begin()
		require.Len(t, c.take(), 1)
		for range 10 {
			ask <- event.GenericEvent{Object: configMap("a")}
			synctest.Wait()
		}
		time.Sleep(10 * time.Minute)
		require.Empty(t, c.take())
		w.change("a", set("2"))
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"a 2"}, c.take())
		require.NoError(t, ctx.Err())
	})
}

// No predicate hides a pause, and no pause a deletion.
func TestG21AnAdaptedReconcilerIsPaused(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := &calls{}
		onlyV := predicate.NewPredicateFuncs(func(obj client.Object) bool { return obj.GetAnnotations()["other"] == "" })
		byLabel := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.(*corev1.ConfigMap).Data["v"] != e.ObjectNew.(*corev1.ConfigMap).Data["v"]
		}}
		c.adapt(w, nil, onlyV, byLabel)
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
		w.delete("a")
		w.settle()
		require.Equal(t, []string{"a deleting"}, c.take(), "it is the end of a pause, although the predicate hides it")
		w.change("a", func(cm *corev1.ConfigMap) { cm.Finalizers = nil })
		w.settle()
		require.Equal(t, []string{"a gone"}, c.take())
	})
}

// Of each kind there is one watch, the manager's: an event that the manager's cache does not show leads to no call.
func TestTheEventsAreThoseOfTheManagersCache(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		rule := fault.On("watch", "configmaps").Then(fault.Delay(0))
		require.NoError(t, w.faults.Add(rule))
		c := &calls{}
		c.adapt(w, nil)
		w.begin()
		require.Len(t, w.faults.Log(), 1)
	})
}

func TestWhatAReconcilerGets(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	logged := func(o *ctrl.Options) {
		o.Logger = funcr.NewJSON(func(line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		}, funcr.Options{})
	}
	within(t, logged, func(t *testing.T, w *world) {
		ends := make(chan time.Time, 1)
		a, err := controllerruntime.Adapt(w.mgr, &corev1.ConfigMap{}, reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
			log.FromContext(ctx).Info("hello", "who", req.Name)
			if end, has := ctx.Deadline(); has {
				ends <- end
			}
			panic("out of order")
		}), nil)
		require.NoError(t, err)
		require.NoError(t, w.mgr.Add(controllerruntime.Lead(a)))
		w.create(configMap("a"))
		w.begin()
		mu.Lock()
		all := strings.Join(lines, "\n")
		mu.Unlock()
		require.Regexp(t, `"msg":"hello","controller":"configmap".*"name":"a".*"who":"a"`, all)
		require.Contains(t, all, "out of order")
		require.Empty(t, ends, "there is no deadline, as there was none")
	})
}

// Without options there is one worker, or as many as the manager says: reconcilers may rely on that.
func TestWorkersAreThoseOfTheManager(t *testing.T) {
	for _, test := range []struct {
		manager, options int
		most             int32
	}{{0, 0, 1}, {3, 0, 3}, {3, 2, 2}} {
		within(t, func(o *ctrl.Options) { o.Controller.MaxConcurrentReconciles = test.manager }, func(t *testing.T, w *world) {
			var running, most atomic.Int32
			a, err := controllerruntime.Adapt(w.mgr, &corev1.ConfigMap{}, reconcile.Func(func(context.Context, ctrl.Request) (ctrl.Result, error) {
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(time.Second)
				running.Add(-1)
				return ctrl.Result{}, nil
			}), &controller.Options{Workers: test.options})
			require.NoError(t, err)
			require.NoError(t, w.mgr.Add(controllerruntime.Lead(a)))
			for i := range 10 {
				w.create(configMap(fmt.Sprint(i)))
			}
			w.start()
			require.Equal(t, test.most, most.Load())
		})
	}
}

// An object that no predicate lets pass leaves nothing behind when it goes.
func TestAHiddenDeletion(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := &calls{}
		a := c.adapt(w, nil, predicate.Funcs{DeleteFunc: func(event.DeleteEvent) bool { return false }})
		w.create(configMap("a", "v", "1"))
		w.start()
		w.delete("a")
		w.settle()
		require.Equal(t, []string{"a 1"}, c.take())
		require.Zero(t, controllerruntime.Known(a))
	})
}

func TestAdaptRefuses(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		r := reconcile.Func(func(context.Context, ctrl.Request) (ctrl.Result, error) { return ctrl.Result{}, nil })
		_, err := controllerruntime.Adapt(w.mgr, nil, r, nil)
		require.ErrorContains(t, err, "is nil")
		_, err = controllerruntime.Adapt(w.mgr, &unregistered{}, r, nil)
		require.ErrorContains(t, err, "adapt the reconciler of *controllerruntime_test.unregistered: no kind is registered")
		opts := &controller.Options{}
		opts.Informer.Namespaces = []string{"a"}
		_, err = controllerruntime.Adapt(w.mgr, &corev1.ConfigMap{}, r, opts)
		require.ErrorContains(t, err, "adapt the reconciler of ConfigMap: options: Informer must be empty")
		a, err := controllerruntime.Adapt(w.mgr, &corev1.ConfigMap{}, r, nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, a.Run(ctx))
		require.ErrorContains(t, a.Run(ctx), "it ran already")
	})
}

type unregistered struct{ corev1.ConfigMap }
