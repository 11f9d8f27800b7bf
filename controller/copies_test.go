package controller_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// changedCopies are what people do to an object that they were given: what they know from other
// libraries, and what happens by mistake.
func changedCopies(b *harness) map[string]func(*deployment) {
	other := b.live("b").DeepCopy()
	return map[string]func(*deployment){
		"takes its finalizers off": func(d *deployment) { d.Finalizers = nil },
		"empties it":               func(d *deployment) { *d = deployment{} },
		"gives it another name":    func(d *deployment) { d.Name = "b" },
		"gives it another UID":     func(d *deployment) { d.UID = "another" },
		"makes it another object":  func(d *deployment) { other.DeepCopyInto(d) },
	}
}

// gone reports whether a Deployment was removed from the server.
func (b *harness) gone(name string) bool {
	_, err := b.Clientset.AppsV1().Deployments("ns").Get(b.t.Context(), name, metav1.GetOptions{})
	return apierrors.IsNotFound(err)
}

// eachChange runs f for each way to change a copy, with two objects that have been applied.
func eachChange(t *testing.T, f func(b *harness, change *atomic.Pointer[func(*deployment)])) {
	names := []string{"takes its finalizers off", "empties it", "gives it another name", "gives it another UID", "makes it another object"}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				var change atomic.Pointer[func(*deployment)]
				b.user.CleanupFunc = func(_ context.Context, d *deployment) (action, error) {
					if change := change.Load(); change != nil && d.Name == "a" {
						(*change)(d)
					}
					return controller.AwaitChange(), nil
				}
				b.start()
				b.settle(time.Minute)
				one := changedCopies(b)[name]
				change.Store(&one)
				f(b, &change)
			}, newDeployment("a"), newDeployment("b"))
		})
	}
}

// TestG3G4G17WhatCleanupChangesInItsCopy decides about nothing: the finalizer of the object that
// was cleaned up is removed, and that of no other.
func TestG3G4G17WhatCleanupChangesInItsCopy(t *testing.T) {
	t.Run("in a controller", func(t *testing.T) {
		eachChange(t, func(b *harness, _ *atomic.Pointer[func(*deployment)]) {
			b.delete("a")
			b.settle(time.Minute)
			require.True(t, b.gone("a"))
			require.Equal(t, []string{ours}, b.live("b").Finalizers)
			require.Empty(t, b.worse())
		})
	})
	t.Run("in ReleaseAll", func(t *testing.T) {
		eachChange(t, func(b *harness, _ *atomic.Pointer[func(*deployment)]) {
			b.stop()
			require.NoError(t, <-b.done)
			b.stop = nil
			require.NoError(t, b.c.ReleaseAll(b.t.Context()))
			require.Empty(t, b.live("a").Finalizers)
			require.Empty(t, b.live("b").Finalizers)
		})
	})
}

// TestG17AnErrorHandlerGetsTheObjectAsItWas, whatever Apply did to its copy, and the error names
// the object.
func TestG17AnErrorHandlerGetsTheObjectAsItWas(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.FinalizerName = controller.NoFinalizer // else Apply would get the answer to that write
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			d.Name, d.UID, d.Spec.Paused = "other", "other", true
			return controller.AwaitChange(), errBucket
		}
		var got atomic.Pointer[deployment]
		var failed atomic.Value
		c, err := controller.New(b.repo, keeps{b.user, &got, &failed}, &b.opts)
		require.NoError(t, err)
		stop := b.runs(c)
		b.settle(time.Second)
		stop()
		require.ErrorContains(t, failed.Load().(error), "apply Deployment ns/a: ")
		require.Equal(t, "a", got.Load().Name)
		require.Equal(t, b.live("a").UID, got.Load().UID)
		require.False(t, got.Load().Spec.Paused)
	}, newDeployment("a"))
}

// TestG12AnErrorHandlerLearnsOfAPanic, as of any failure, to write it into the status.
func TestG12AnErrorHandlerLearnsOfAPanic(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) { panic("bug") }
		var got atomic.Pointer[deployment]
		var failed atomic.Value
		c, err := controller.New(b.repo, keeps{b.user, &got, &failed}, &b.opts)
		require.NoError(t, err)
		stop := b.runs(c)
		b.settle(time.Second)
		stop()
		require.Equal(t, kerr.ClassPanic, kerr.ClassOf(failed.Load().(error)))
		require.Equal(t, "a", got.Load().Name)
	}, newDeployment("a"))
}

// keeps has an ErrorHandler that keeps what it got.
type keeps struct {
	controller.Funcs[*deployment]
	obj *atomic.Pointer[deployment]
	err *atomic.Value
}

func (k keeps) HandleError(_ context.Context, d *deployment, err error) (action, error) {
	k.obj.Store(d)
	k.err.Store(err)
	return controller.AwaitChange(), nil
}
