package event_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// secret is what users wrote into objects, which no event may repeat.
const secret = "canary-5ecre7"

// operated is a controller of ConfigMaps whose library events are recorded, for an hour, in which f
// changes things. It returns the events about the ConfigMap "a".
func operated(t *testing.T, w *world, apply, cleanup func(context.Context, *corev1.ConfigMap) (controller.Action, error), f func(maps *repository.Live[*corev1.ConfigMap])) []eventsv1.Event {
	t.Helper()
	repo, err := repository.New[corev1.ConfigMap](w.cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	require.NoError(t, err)
	if cleanup == nil {
		cleanup = func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
			return controller.AwaitChange(), nil
		}
	}
	user := controller.Funcs[*corev1.ConfigMap]{FinalizerName: "example.com/cleanup", ApplyFunc: apply, CleanupFunc: cleanup}
	c, err := controller.New(repo, user, &controller.Options{Observer: event.Observe(w.events)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.events.Run(ctx, c) }()
	a := configMap("a", "", "")
	a.Data = map[string]string{"key": secret}
	_, err = repo.Create(t.Context(), a)
	require.NoError(t, err)
	time.Sleep(time.Minute)
	if f != nil {
		f(repo)
	}
	time.Sleep(time.Hour)
	cancel()
	require.NoError(t, <-done)
	var about []eventsv1.Event
	for _, e := range w.all() {
		require.NotContains(t, fmt.Sprintf("%+v", e), secret)
		require.Equal(t, corev1.SchemeGroupVersion.String()+" ConfigMap default", e.Regarding.APIVersion+" "+e.Regarding.Kind+" "+e.Regarding.Namespace)
		require.NotEmpty(t, e.Regarding.UID)
		about = append(about, e)
	}
	return about
}

// requireOne requires one event, so that the library says it once for a series.
func requireOne(t *testing.T, all []eventsv1.Event, reason event.Reason, note string) {
	t.Helper()
	var seen []string
	for _, e := range all {
		seen = append(seen, e.Reason+": "+e.Note)
	}
	require.Len(t, all, 1, "%q", seen)
	require.Equal(t, [3]string{reason.Name(), reason.Type(), reason.Action()}, [3]string{all[0].Reason, all[0].Type, all[0].Action})
	require.Equal(t, note, all[0].Note)
}

func awaits(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// The text of an error, which may repeat what users wrote, stays in the log.
func TestS2S8G3xG10WhatTheLibraryTells(t *testing.T) {
	failed := errors.New("cannot use " + secret)
	t.Run("an error that is not retried", func(t *testing.T) {
		inBubble(t, event.Options{}, func(t *testing.T, w *world) {
			requireOne(t, operated(t, w, func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
				return controller.AwaitChange(), kerr.Invalid(failed)
			}, nil, nil), event.NotRetried, "Attempt to apply failed, and is not repeated before the object changes (Invalid; see the log of the operator)")
		})
	})
	t.Run("an error that stays", func(t *testing.T) {
		inBubble(t, event.Options{}, func(t *testing.T, w *world) {
			all := operated(t, w, func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
				return controller.AwaitChange(), failed
			}, nil, nil)
			requireOne(t, all, event.Failing, "Attempt to apply has failed 10 times in a row (Transient; see the log of the operator)")
			require.Greater(t, count(&all[0]), int32(9))
		})
	})
	t.Run("an error that passes", func(t *testing.T) {
		inBubble(t, event.Options{}, func(t *testing.T, w *world) {
			n := 0
			require.Empty(t, operated(t, w, func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
				if n++; n < 10 {
					return controller.AwaitChange(), failed
				}
				return controller.AwaitChange(), nil
			}, nil, nil))
		})
	})
	t.Run("a deletion that is blocked", func(t *testing.T) {
		inBubble(t, event.Options{}, func(t *testing.T, w *world) {
			requireOne(t, operated(t, w, awaits, func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
				return controller.Requeue(time.Minute), nil
			}, func(maps *repository.Live[*corev1.ConfigMap]) { remove(t, maps) }),
				event.DeletionBlocked, "The object is not deleted, since its cleanup, or the removal of the finalizer after it, has not succeeded")
		})
	})
	t.Run("a loop", func(t *testing.T) {
		inBubble(t, event.Options{}, func(t *testing.T, w *world) {
			var looping atomic.Pointer[repository.Live[*corev1.ConfigMap]]
			requireOne(t, operated(t, w, func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
				maps := looping.Load()
				if maps == nil {
					return controller.AwaitChange(), nil
				}
				before := cm.DeepCopy()
				cm.Data["now"] = time.Now().String()
				time.Sleep(time.Millisecond)
				_, err := maps.Update(ctx, before, cm)
				return controller.AwaitChange(), err
			}, nil, func(maps *repository.Live[*corev1.ConfigMap]) { looping.Store(maps); label(t, maps) }),
				event.ReconcileLoop, "Slowed to 10 attempts a minute: what the operator writes causes its next attempt, or another client undoes it")
		})
	})
	t.Run("a finalizer that is bypassed", func(t *testing.T) {
		inBubble(t, event.Options{}, func(t *testing.T, w *world) {
			requireOne(t, operated(t, w, awaits, func(ctx context.Context, _ *corev1.ConfigMap) (controller.Action, error) {
				if !controller.Bypassed(ctx) {
					return controller.AwaitChange(), failed
				}
				return controller.AwaitChange(), nil
			}, func(maps *repository.Live[*corev1.ConfigMap]) {
				remove(t, maps)
				_, err := maps.Patch(t.Context(), configMap("a", "", ""), types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
				require.NoError(t, err)
			}), event.FinalizerBypassed, "The object was deleted although its finalizer was to prevent it; Cleanup runs on its last known state")
		})
	})
}

// What is not about one object, or heals by itself, is no event.
func TestTroubleThatIsAnEvent(t *testing.T) {
	fake := &event.FakeRecorder{}
	observer := event.Observe(fake)
	kind, key := corev1.SchemeGroupVersion.WithKind("ConfigMap"), types.NamespacedName{Namespace: "default", Name: "a"}
	for _, op := range []kerr.Op{kerr.OpDecode, kerr.OpSync, kerr.OpFilter} {
		err := kerr.New(op, kind, key, "u", errors.New(secret))
		observer.Trouble(controller.Trouble{Op: op, Kind: kind.GroupKind(), Key: key, UID: "u", Err: err})
	}
	observer.Trouble(controller.Trouble{Op: kerr.OpDecode, Kind: kind.GroupKind(), Err: kerr.New(kerr.OpDecode, kind, types.NamespacedName{}, "", errors.New("a list"))})
	all := fake.Events()
	require.Len(t, all, 1)
	require.Equal(t, "Warning Undecodable default/a: The object does not fit the type that the operator has for it, and is left alone", all[0].String())
	require.Equal(t, kind, all[0].About.GetObjectKind().GroupVersionKind())
	require.Equal(t, types.UID("u"), all[0].About.GetUID())
}

func remove(t *testing.T, maps *repository.Live[*corev1.ConfigMap]) {
	t.Helper()
	require.NoError(t, maps.Delete(t.Context(), configMap("a", "", "")))
}

func label(t *testing.T, maps *repository.Live[*corev1.ConfigMap]) {
	t.Helper()
	_, err := maps.Patch(t.Context(), configMap("a", "", ""), types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`))
	require.NoError(t, err)
}
