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
var changedCopies = map[string]func(d, other *deployment){
	"takes its finalizers off": func(d, _ *deployment) { d.Finalizers = nil },
	"empties it":               func(d, _ *deployment) { *d = deployment{} },
	"gives it another name":    func(d, other *deployment) { d.Name = other.Name },
	"gives it another UID":     func(d, _ *deployment) { d.UID = "another" },
	"makes it another object":  func(d, other *deployment) { other.DeepCopyInto(d) },
}

// gone reports whether a Deployment was removed from the server.
func (b *harness) gone(name string) bool {
	_, err := b.Clientset.AppsV1().Deployments("ns").Get(b.t.Context(), name, metav1.GetOptions{})
	return apierrors.IsNotFound(err)
}

// eachChange runs f for each way to change a copy, with two objects that have been applied. Cleanup
// of the first one makes the change.
func eachChange(t *testing.T, f func(b *harness)) {
	t.Helper()
	for name, change := range changedCopies {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				var other atomic.Pointer[deployment]
				b.user.CleanupFunc = func(_ context.Context, d *deployment) (action, error) {
					if d.Name == "a" {
						change(d, other.Load())
					}
					return controller.AwaitChange(), nil
				}
				b.start()
				b.settle(time.Minute)
				other.Store(b.live("b"))
				f(b)
			}, newDeployment("a"), newDeployment("b"))
		})
	}
}

// TestG3G4G17WhatCleanupChangesInItsCopy decides about nothing: the finalizer of the object that
// was cleaned up is removed, and that of no other.
func TestG3G4G17WhatCleanupChangesInItsCopy(t *testing.T) {
	t.Run("in a controller", func(t *testing.T) {
		eachChange(t, func(b *harness) {
			b.delete("a")
			b.settle(time.Minute)
			require.True(t, b.gone("a"))
			require.Equal(t, []string{ours}, b.live("b").Finalizers)
			require.Empty(t, b.worse())
		})
	})
	t.Run("in ReleaseAll", func(t *testing.T) {
		eachChange(t, func(b *harness) {
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
		got, failed := b.handled()
		require.ErrorContains(t, failed, "apply Deployment ns/a: ")
		require.Equal(t, "a", got.Name)
		require.Equal(t, b.live("a").UID, got.UID)
		require.False(t, got.Spec.Paused)
	}, newDeployment("a"))
}

// TestG12AnErrorHandlerLearnsOfAPanic, as of any failure, to write it into the status.
func TestG12AnErrorHandlerLearnsOfAPanic(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) { panic("bug") }
		got, failed := b.handled()
		require.Equal(t, kerr.ClassPanic, kerr.ClassOf(failed))
		require.Equal(t, "a", got.Name)
	}, newDeployment("a"))
}

// handled runs the controller with an ErrorHandler, and returns what that got.
func (b *harness) handled() (*deployment, error) {
	b.t.Helper()
	handler := &keeps{Funcs: b.user}
	c, err := controller.New(b.repo, handler, &b.opts)
	require.NoError(b.t, err)
	stop := b.runs(c)
	b.settle(time.Second)
	stop()
	return handler.obj, handler.err
}

// keeps has an ErrorHandler that keeps what it got, once.
type keeps struct {
	controller.Funcs[*deployment]
	obj *deployment
	err error
}

func (k *keeps) HandleError(_ context.Context, d *deployment, err error) (action, error) {
	k.obj, k.err = d, err
	return controller.AwaitChange(), nil
}
