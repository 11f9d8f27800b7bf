package controllerruntime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/controllerruntime"
	"github.com/kuberator/kuberator/kerr"
)

// One namespace with many objects does not hold up another one.
func TestS7NamespacesOfAnAdaptedReconcilerTakeTurns(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var order []string
		w.reconciles(&corev1.ConfigMap{}, reconcile.Func(func(_ context.Context, req ctrl.Request) (ctrl.Result, error) {
			mu.Lock()
			order = append(order, req.Namespace)
			mu.Unlock()
			time.Sleep(time.Second)
			return ctrl.Result{}, nil
		}))
		w.begin()
		for i := range 100 {
			w.create(configMap(fmt.Sprint(i)))
		}
		other := configMap("a")
		other.Namespace = "kube-system"
		w.create(other)
		time.Sleep(5 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		require.Contains(t, order, "kube-system")
	})
}

// What changed comes before the first list.
func TestWhatChangedComesFirst(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{answer: func(ctrl.Request, int) (ctrl.Result, error) {
			time.Sleep(time.Second)
			return ctrl.Result{}, nil
		}})
		for i := range 100 {
			w.create(configMap(fmt.Sprint(i)))
		}
		w.begin()
		w.create(configMap("new"))
		time.Sleep(5 * time.Second)
		require.Contains(t, c.all(), "new ")
	})
}

func TestWhatBecomesOfAResult(t *testing.T) {
	no := errors.New("no")
	for name, test := range map[string]struct {
		result ctrl.Result
		err    error
		waits  []time.Duration // rounded to minutes, of the first call
	}{
		"nothing":           {},
		"terminal":          {err: reconcile.TerminalError(no)},
		"wrapped":           {err: fmt.Errorf("wrapped: %w", reconcile.TerminalError(no))},
		"kerr.Terminal":     {err: kerr.Terminal(no)},
		"kerr.Invalid":      {err: fmt.Errorf("wrapped: %w", kerr.Invalid(no))},
		"requeue after":     {result: ctrl.Result{RequeueAfter: 40 * time.Minute}, waits: []time.Duration{40 * time.Minute}},
		"beside it":         {result: ctrl.Result{RequeueAfter: time.Second}, err: reconcile.TerminalError(no)},
		"kerr.After":        {err: kerr.After(50*time.Minute, no), waits: []time.Duration{50 * time.Minute}},
		"the server's wait": {err: apierrors.NewTooManyRequests("no", 45*60), waits: []time.Duration{45 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, w *world) {
				c := w.calls(&calls{answer: func(ctrl.Request, int) (ctrl.Result, error) { return test.result, test.err }})
				w.create(configMap("a"))
				w.start()
				require.Len(t, c.all(), 1+len(test.waits))
				require.Equal(t, test.waits, c.waits(time.Minute))
			})
		})
	}
}

// Each error is retried but one that is marked, and a panic is. Also one of the class TooLarge: it may be of a child.
func TestG16EachErrorOfAnAdaptedReconcilerIsRetried(t *testing.T) {
	gr := schema.GroupResource{Resource: "secrets"}
	var none map[string]string
	for name, answer := range map[string]func() (ctrl.Result, error){
		"canceled":  func() (ctrl.Result, error) { return ctrl.Result{}, context.Canceled },
		"deadline":  func() (ctrl.Result, error) { return ctrl.Result{}, context.DeadlineExceeded },
		"too large": func() (ctrl.Result, error) { return ctrl.Result{}, apierrors.NewRequestEntityTooLargeError("no") },
		"invalid": func() (ctrl.Result, error) {
			return ctrl.Result{}, apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "a", nil)
		},
		"not found": func() (ctrl.Result, error) { return ctrl.Result{}, apierrors.NewNotFound(gr, "a") },
		"conflict":  func() (ctrl.Result, error) { return ctrl.Result{}, apierrors.NewConflict(gr, "a", errors.New("no")) },
		"requeue":   func() (ctrl.Result, error) { return ctrl.Result{Requeue: true}, nil }, //nolint:staticcheck // it is still there
		"panic":     func() (ctrl.Result, error) { none["a"] = "b"; return ctrl.Result{}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, w *world) {
				c := w.calls(&calls{answer: func(_ ctrl.Request, n int) (ctrl.Result, error) {
					if n < 5 {
						return answer()
					}
					return ctrl.Result{}, nil
				}})
				w.create(configMap("a", "v", "1"))
				w.start()
				require.Len(t, c.all(), 5)
				for i, wait := range c.waits(time.Millisecond) {
					require.InDelta(t, 100<<i, wait.Milliseconds(), float64(int(20)<<i+1))
				}
			})
		})
	}
}

// An event that is no edit leaves the backoff alone, and an edit ends it, at most once a second.
func TestG10EventsDuringABackoffOfAnAdaptedReconciler(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{answer: func(ctrl.Request, int) (ctrl.Result, error) {
			return ctrl.Result{}, kerr.After(30*time.Minute, errors.New("no"))
		}})
		held := configMap("a", "v", "1")
		held.Finalizers = []string{"example.com/theirs"}
		w.create(held)
		w.begin()
		require.Len(t, c.take(), 1)
		for range 10 {
			w.ask("a")
			synctest.Wait()
		}
		w.change("a", func(cm *corev1.ConfigMap) { cm.Finalizers = append(cm.Finalizers, "example.com/other") })
		time.Sleep(10 * time.Minute)
		require.Empty(t, c.take())
		w.change("a", set("2"))
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"a 2"}, c.take())
		for i := range 100 {
			w.change("a", set(fmt.Sprint(i)))
			time.Sleep(100 * time.Millisecond)
		}
		require.InDelta(t, 10, len(c.take()), 1, "in 10 s")
		time.Sleep(5 * time.Second)
		c.take()
		w.delete("a")
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"a deleting"}, c.take())
		w.change("a", func(cm *corev1.ConfigMap) { cm.Finalizers = nil })
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"a gone"}, c.take())
	})
}

// An annotation is an edit although the generation stays, as for an Ingress, whose reconcilers read annotations.
func TestAnEditOfAnAnnotationEndsTheBackoff(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		var repaired atomic.Bool
		w.reconciles(&appsv1.Deployment{}, reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
			d := &appsv1.Deployment{}
			if err := w.mgr.GetClient().Get(ctx, req.NamespacedName, d); err != nil {
				return ctrl.Result{}, client.IgnoreNotFound(err)
			}
			if d.Annotations["issuer"] == "" {
				return ctrl.Result{}, errors.New("no issuer")
			}
			repaired.Store(true)
			return ctrl.Result{}, nil
		}))
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}}
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
		d.Spec.Template.Labels = map[string]string{"a": "b"}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "a", Image: "a"}}
		w.create(d)
		w.start()
		require.NoError(t, w.client.Get(t.Context(), client.ObjectKeyFromObject(d), d))
		d.Annotations = map[string]string{"issuer": "me"}
		require.NoError(t, w.client.Update(t.Context(), d))
		time.Sleep(5 * time.Second)
		require.True(t, repaired.Load())
	})
}

// A status that the reconciler writes before it fails is no edit, also of a kind without generations.
func TestG10AnOwnStatusDoesNotEndTheBackoffOfAnAdaptedReconciler(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		var n atomic.Int32
		w.reconciles(&corev1.Service{}, reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
			s := &corev1.Service{}
			if err := w.mgr.GetClient().Get(ctx, req.NamespacedName, s); err != nil {
				return ctrl.Result{}, client.IgnoreNotFound(err)
			}
			s.Status.Conditions = []metav1.Condition{{Type: "Tried", Status: "True", Reason: "Tried", Message: fmt.Sprint(n.Add(1)), LastTransitionTime: metav1.Now()}}
			if err := w.mgr.GetClient().Status().Update(ctx, s); err != nil {
				return ctrl.Result{}, err
			}
			return ctrl.Result{}, errors.New("no")
		}))
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}}
		s.Spec.Ports = []corev1.ServicePort{{Port: 80}}
		w.create(s)
		w.start()
		require.Less(t, n.Load(), int32(40), "calls in an hour")
	})
}

// The log and its context are those of controller-runtime.
func TestLogs(t *testing.T) {
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
		w.reconciles(&corev1.ConfigMap{}, reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
			assert.NotEmpty(t, controller.ReconcileIDFromContext(ctx))
			log.FromContext(ctx).Info("hello", "who", req.Name)
			panic("out of order")
		}))
		w.create(configMap("a"))
		w.begin()
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(lines, "\n")
		require.Regexp(t, `"msg":"hello","controller":"configmap".*"name":"a".*"who":"a"`, all)
		require.Contains(t, all, "out of order")
	})
}

func TestAdaptRefuses(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		r := reconcile.Func(func(context.Context, ctrl.Request) (ctrl.Result, error) { return ctrl.Result{}, nil })
		b := func() *ctrl.Builder { return ctrl.NewControllerManagedBy(w.mgr).For(&corev1.ConfigMap{}) }
		err := controllerruntime.Adapt(w.mgr, b(), nil, r, controller.Options{})
		require.ErrorContains(t, err, "is nil")
		err = controllerruntime.Adapt(w.mgr, b(), &unregistered{}, r, controller.Options{})
		require.ErrorContains(t, err, "adapt the reconciler of *controllerruntime_test.unregistered: no kind is registered")
		limiter := workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]()
		err = controllerruntime.Adapt(w.mgr, b(), &corev1.ConfigMap{}, r, controller.Options{RateLimiter: limiter})
		require.ErrorContains(t, err, "adapt the reconciler of ConfigMap: NewQueue and RateLimiter must be nil")
		err = controllerruntime.Adapt(w.mgr, ctrl.NewControllerManagedBy(w.mgr), &corev1.ConfigMap{}, r, controller.Options{})
		require.ErrorContains(t, err, "adapt the reconciler of ConfigMap: one of For() or Named() must be called")
	})
}

type unregistered struct{ corev1.ConfigMap }
