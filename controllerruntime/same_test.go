package controllerruntime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kuberator/kuberator/controllerruntime"
	"github.com/kuberator/kuberator/repository"
)

// What is the same with and without Adapt. Each test of this file runs with both.

func TestAReconcilerSeesALife(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{})
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
		w.ask("unknown")
		w.settle()
		require.Equal(t, []string{"unknown gone"}, c.take())
	})
}

// A predicate hides an event, and nothing else: what was to be done for the name before is done.
func TestAHiddenDeletionTakesNothingAway(t *testing.T) {
	hides := predicate.Funcs{DeleteFunc: func(event.DeleteEvent) bool { return false }}
	busy := func(ctrl.Request, int) (ctrl.Result, error) {
		time.Sleep(10 * time.Second)
		return ctrl.Result{}, nil
	}
	t.Run("a timer", func(t *testing.T) {
		both(t, nil, func(t *testing.T, w *world) {
			c := w.calls(&calls{answer: func(_ ctrl.Request, n int) (ctrl.Result, error) {
				return ctrl.Result{RequeueAfter: time.Duration(2-n) * time.Minute}, nil
			}}, hides)
			w.create(configMap("a", "v", "1"))
			w.begin()
			w.delete("a")
			w.settle()
			require.Equal(t, []string{"a 1", "a gone"}, c.all())
		})
	})
	t.Run("what a source asked during a call", func(t *testing.T) {
		both(t, nil, func(t *testing.T, w *world) {
			c := w.calls(&calls{answer: busy}, hides)
			w.create(configMap("a", "v", "1"))
			w.begin()
			w.ask("a")
			w.delete("a")
			w.settle()
			require.Equal(t, []string{"a 1", "a gone"}, c.all())
		})
	})
	t.Run("a creation that waits", func(t *testing.T) {
		both(t, nil, func(t *testing.T, w *world) {
			c := w.calls(&calls{answer: busy}, hides)
			w.create(configMap("a"))
			w.begin()
			w.create(configMap("b"))
			time.Sleep(time.Second)
			w.delete("b")
			w.settle()
			require.Equal(t, []string{"a ", "b gone"}, c.all())
		})
	})
}

// An event that comes during a call leads to another one, whatever the call returns.
func TestAnEventDuringACall(t *testing.T) {
	for name, test := range map[string]struct {
		result ctrl.Result
		err    error
	}{
		"success":  {},
		"requeue":  {result: ctrl.Result{RequeueAfter: 24 * time.Hour}},
		"terminal": {err: reconcile.TerminalError(errors.New("no"))},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, nil, func(t *testing.T, w *world) {
				c := w.calls(&calls{answer: func(ctrl.Request, int) (ctrl.Result, error) {
					time.Sleep(10 * time.Second)
					return test.result, test.err
				}})
				w.create(configMap("a", "v", "1"))
				w.begin()
				w.ask("a")
				w.settle()
				require.Equal(t, []string{"a 1", "a 1"}, c.all())
				for i := range 3 {
					w.ask("a")
					time.Sleep(time.Minute)
					require.Len(t, c.all(), i+3, "and one that comes later")
				}
			})
		})
	}
}

// Of several delays of a name the shortest counts, as a handler that collects events for a while needs.
func TestSeveralDelaysOfANameAreOne(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		c := &calls{client: w.mgr.GetClient()}
		asked := make(chan event.GenericEvent)
		b := ctrl.NewControllerManagedBy(w.mgr).For(&corev1.ConfigMap{}).WatchesRawSource(source.Channel(asked, handler.Funcs{
			GenericFunc: func(_ context.Context, e event.GenericEvent, q controllerruntime.Queue) {
				q.AddAfter(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(e.Object)}, 10*time.Second)
				q.AddAfter(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(e.Object)}, 20*time.Second)
			},
		}))
		require.NoError(t, w.complete(w, b, &corev1.ConfigMap{}, c))
		w.begin()
		for range 90 {
			asked <- event.GenericEvent{Object: configMap("a")}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"a gone"}, c.all(), "10 s after the first one")
		w.settle()
		require.Equal(t, []string{"a gone"}, c.all())
	})
}

// Nothing is slowed that did not fail.
func TestSuccessesAreNotSlowed(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{answer: func(_ ctrl.Request, n int) (ctrl.Result, error) {
			if n < 100 {
				return ctrl.Result{RequeueAfter: 10 * time.Millisecond}, nil
			}
			return ctrl.Result{}, nil
		}})
		w.create(configMap("a", "v", "1"))
		w.begin()
		time.Sleep(5 * time.Second)
		require.Len(t, c.all(), 100, "timers")
		for i := range 100 {
			w.ask("a")
			time.Sleep(50 * time.Millisecond)
			require.Len(t, c.all(), i+101, "events")
		}
	})
}

// An event that comes before a timer takes its place.
func TestAnEventTakesThePlaceOfATimer(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{answer: func(ctrl.Request, int) (ctrl.Result, error) {
			return ctrl.Result{RequeueAfter: time.Minute}, nil
		}})
		w.create(configMap("a", "v", "1"))
		w.begin()
		time.Sleep(29 * time.Second)
		w.ask("a")
		time.Sleep(59 * time.Second)
		require.Equal(t, []time.Duration{30 * time.Second}, c.waits(time.Second))
		time.Sleep(2 * time.Second)
		require.Len(t, c.all(), 3)
	})
}

// A reconciler that writes with a repository of the library, or tells of its writes, does not wait for them.
func TestAReconcilerThatWritesWithARepository(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		repo, err := controllerruntime.Repository[corev1.ConfigMap](w.mgr)
		require.NoError(t, err)
		var saw atomic.Value
		w.reconciles(&corev1.ConfigMap{}, reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
			cm := &corev1.ConfigMap{}
			if err := w.mgr.GetClient().Get(ctx, req.NamespacedName, cm); err != nil {
				return ctrl.Result{}, client.IgnoreNotFound(err)
			}
			saw.Store(cm.Data["v"])
			after := cm.DeepCopy()
			after.Annotations = map[string]string{"seen": cm.Data["v"]}
			after, err := repo.Update(ctx, cm, after)
			if err != nil {
				return ctrl.Result{}, err
			}
			return ctrl.Result{}, repository.Wrote(ctx, corev1.SchemeGroupVersion.WithKind("ConfigMap"), after)
		}))
		w.create(configMap("a", "v", "0"))
		w.begin()
		for i := range 3 {
			w.change("a", set(fmt.Sprint(i+1)))
			time.Sleep(time.Second)
			require.Equal(t, fmt.Sprint(i+1), saw.Load())
		}
	})
}

// What a source asks for need not be the name of an object, and may be called for in any case.
func TestNamesOfNothing(t *testing.T) {
	for _, key := range []types.NamespacedName{{}, {Name: "global"}, {Namespace: "default"}, {Namespace: "x/y", Name: "Not A Name!"}} {
		t.Run(key.String(), func(t *testing.T) {
			both(t, nil, func(t *testing.T, w *world) {
				var mu sync.Mutex
				var got []types.NamespacedName
				to := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
					return []reconcile.Request{{NamespacedName: key}}
				})
				asked := make(chan event.GenericEvent)
				b := ctrl.NewControllerManagedBy(w.mgr).For(&corev1.ConfigMap{}).WatchesRawSource(source.Channel(asked, to))
				require.NoError(t, w.complete(w, b, &corev1.ConfigMap{}, reconcile.Func(func(_ context.Context, req ctrl.Request) (ctrl.Result, error) {
					mu.Lock()
					defer mu.Unlock()
					if got = append(got, req.NamespacedName); len(got) == 1 {
						return ctrl.Result{}, errors.New("no")
					}
					return ctrl.Result{}, nil
				})))
				w.begin()
				asked <- event.GenericEvent{Object: configMap("a")}
				w.settle()
				mu.Lock()
				defer mu.Unlock()
				require.Equal(t, []types.NamespacedName{key, key}, got)
			})
		})
	}
}

// Kinds that are watched in other ways, and how often an object of them is called for that failed once.
func TestKinds(t *testing.T) {
	free := &unstructured.Unstructured{}
	free.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	for name, obj := range map[string]client.Object{"unstructured": free, "cluster": &corev1.Namespace{}} {
		t.Run(name, func(t *testing.T) {
			both(t, nil, func(t *testing.T, w *world) {
				var mu sync.Mutex
				n := map[string]int{}
				w.reconciles(obj, reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
					mu.Lock()
					defer mu.Unlock()
					if n[req.Name]++; n[req.Name] == 1 {
						return ctrl.Result{}, errors.New("no")
					}
					return ctrl.Result{}, w.mgr.GetClient().Get(ctx, req.NamespacedName, obj.DeepCopyObject().(client.Object))
				}))
				w.create(configMap("a"))
				w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
				w.start()
				mu.Lock()
				defer mu.Unlock()
				require.Equal(t, 2, n["a"])
			})
		})
	}
}

// The options of a manager are heeded.
func TestOptionsOfTheManager(t *testing.T) {
	type key struct{}
	options := func(o *ctrl.Options) {
		o.BaseContext = func() context.Context { return context.WithValue(context.Background(), key{}, "x") }
		o.Cache.SyncPeriod = new(10 * time.Minute)
		o.Cache.DefaultNamespaces = map[string]ctrlcache.Config{"default": {}}
		o.Controller.GroupKindConcurrency = map[string]int{"ConfigMap": 3}
		o.Controller.ReconciliationTimeout = time.Minute
	}
	both(t, options, func(t *testing.T, w *world) {
		var n, running, most atomic.Int32
		w.reconciles(&corev1.ConfigMap{}, reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
			assert.Equal(t, "x", ctx.Value(key{}))
			assert.Equal(t, "default", req.Namespace)
			_, has := ctx.Deadline()
			assert.True(t, has)
			n.Add(1)
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return ctrl.Result{}, nil
		}))
		for i := range 10 {
			w.create(configMap(fmt.Sprint(i)))
		}
		elsewhere := configMap("a")
		elsewhere.Namespace = "kube-system"
		w.create(elsewhere)
		w.begin()
		time.Sleep(time.Minute)
		require.Equal(t, int32(3), most.Load())
		require.Equal(t, int32(10), n.Load())
		w.settle()
		require.GreaterOrEqual(t, n.Load(), int32(50), "with each resync")
	})
}

// A cache that cannot be filled ends the manager.
func TestAKindThatIsNotServed(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		obj := &unstructured.Unstructured{}
		obj.SetGroupVersionKind(schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Missing"})
		w.reconciles(obj, reconcile.Func(func(context.Context, ctrl.Request) (ctrl.Result, error) { return ctrl.Result{}, nil }))
		w.begin()
		time.Sleep(10 * time.Minute)
		require.Error(t, <-w.ended)
		w.ended <- nil
	})
}

// A process that stands by has full caches, if it is asked to.
func TestWarmup(t *testing.T) {
	warms := func(o *ctrl.Options) {
		elects(o)
		o.Controller.EnableWarmup = new(true)
	}
	both(t, warms, func(t *testing.T, w *world) {
		w.lead(2 * time.Minute)
		seen := make(chan bool, 10)
		c := w.calls(&calls{}, predicate.Funcs{CreateFunc: func(event.CreateEvent) bool { seen <- true; return true }})
		w.create(configMap("a"))
		w.begin()
		time.Sleep(time.Minute)
		require.NotEmpty(t, seen)
		require.Empty(t, c.all())
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{"a "}, c.all())
	})
}

// The ctx of running calls ends when the manager has noticed that the lease is lost.
func TestALostLeaseEndsTheCtxOfRunningCalls(t *testing.T) {
	both(t, elects, func(t *testing.T, w *world) {
		lost := make(chan struct{})
		wrote := make(chan error, 1)
		w.reconciles(&corev1.ConfigMap{}, reconcile.Func(func(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
			<-lost
			wrote <- w.mgr.GetClient().Create(ctx, configMap("written"))
			return ctrl.Result{}, nil
		}))
		w.create(configMap("a"))
		w.begin()
		time.Sleep(time.Minute)
		w.loses()
		time.Sleep(time.Second)
		close(lost)
		require.ErrorIs(t, <-wrote, context.Canceled)
		time.Sleep(time.Minute)
	})
}

// A controller can be added to a manager that runs.
func TestWhatIsAddedLater(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		w.create(configMap("a", "v", "1"))
		w.begin()
		c := w.calls(&calls{})
		w.settle()
		require.Equal(t, []string{"a 1"}, c.all())
	})
}

// Names that wait for one worker are called for once each, however often they were asked for.
func TestNamesThatWaitAreCalledForOnce(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{answer: func(ctrl.Request, int) (ctrl.Result, error) {
			time.Sleep(time.Second)
			return ctrl.Result{}, nil
		}})
		w.begin()
		for range 3 {
			for i := range 20 {
				w.ask(fmt.Sprint(i))
			}
		}
		w.settle()
		require.InDelta(t, 20, len(c.all()), 1)
	})
}

// Objects that come and go are called for, and the last call sees that they are gone.
func TestObjectsThatComeAndGo(t *testing.T) {
	both(t, nil, func(t *testing.T, w *world) {
		c := w.calls(&calls{})
		w.begin()
		for i := range 100 {
			w.create(configMap("a", "v", fmt.Sprint(i)))
			w.delete("a")
		}
		time.Sleep(5 * time.Second)
		all := c.all()
		require.Equal(t, "a gone", all[len(all)-1])
	})
}
