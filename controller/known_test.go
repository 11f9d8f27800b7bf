package controller_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
)

// denies refuses to read ConfigMaps where the path has that in it, until what it returns is
// called.
func (b *harness) denies(path string) (up func()) {
	var down atomic.Bool
	down.Store(true)
	b.fail(fault.On("*", "configmaps").Matching(func(r *http.Request) bool {
		return down.Load() && r.Method == http.MethodGet && strings.Contains(r.URL.Path, path)
	}).Then(fault.Forbidden()))
	return func() { down.Store(false) }
}

// TestS8ReleaseAllCleansUpWithFullCaches has a Cleanup that finds its children in an
// informer. Kills: caches that do not run, and find nothing.
func TestS8ReleaseAllCleansUpWithFullCaches(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			_, err := repo.Create(ctx, child(d.Name))
			return controller.AwaitChange(), err
		}
		b.user.CleanupFunc = func(ctx context.Context, d *deployment) (action, error) {
			children, err := in.List(ctx, informer.In("ns"))
			if err != nil {
				return controller.AwaitChange(), err
			}
			for _, c := range children {
				if c.Name == d.Name {
					err = repo.Delete(ctx, c)
				}
			}
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in)
		b.run()
		b.settle(time.Second)
		b.stop()
		require.NoError(t, <-b.done)
		b.stop = nil
		require.NoError(t, b.c.ReleaseAll(b.t.Context()))
		left, err := repo.List(b.t.Context(), "ns", metav1.ListOptions{})
		require.NoError(t, err)
		require.Empty(t, left)
		require.Empty(t, b.live("a").Finalizers)
	}, newDeployment("a"), newDeployment("b"))
}

// TestG13ReleaseAllDoesNotWaitForAll: a Cleanup that hangs keeps its object, and nobody
// else's.
func TestG13ReleaseAllDoesNotWaitForAll(t *testing.T) {
	inBubble(t, func(b *harness) {
		release := make(chan struct{})
		b.opts.Workers, b.opts.Timeout = 1, time.Minute
		b.user.CleanupFunc = func(ctx context.Context, d *deployment) (action, error) {
			switch d.Name {
			case "a":
				<-release // whatever its ctx says
			case "b":
				<-ctx.Done()
				return controller.AwaitChange(), ctx.Err()
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Second)
		b.stop()
		require.NoError(t, <-b.done)
		b.stop = nil
		err := b.c.ReleaseAll(b.t.Context())
		require.ErrorContains(t, err, "cleanup Deployment ns/a: it ignores its context, and the finalizer stays")
		require.ErrorContains(t, err, "cleanup Deployment ns/b")
		require.Empty(t, b.live("c").Finalizers)
		err = b.c.ReleaseAll(b.t.Context()) // G1: it does not clean up beside the one that goes on
		require.ErrorContains(t, err, "cleanup Deployment ns/a: an attempt that was abandoned is still running")
		b.settle(0)
		b.run()
		calls := b.settle(time.Hour)
		require.Contains(t, calls, "apply b")
		require.NotContains(t, calls, "apply a", "neither does Run")
		close(release)
		b.settle(time.Minute)
		require.NotEmpty(t, b.live("b").Finalizers)
	}, newDeployment("a"), newDeployment("b"), newDeployment("c"))
}

// TestG5WhatIsNotKnownIsAnError: an operator that takes it for absence makes duplicates.
func TestG5WhatIsNotKnownIsAnError(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, _ := b.children()
		requireUnknown := func() {
			_, err := in.Get(b.t.Context(), nsName("c"))
			require.ErrorIs(t, err, informer.ErrNotKnown)
			require.False(t, apierrors.IsNotFound(err))
			_, err = in.List(b.t.Context(), informer.In("ns"))
			require.ErrorIs(t, err, informer.ErrNotKnown)
		}
		requireUnknown() // it does not run
		up := b.denies("")
		stop := b.runs(in)
		b.settle(time.Second)
		requireUnknown() // nothing has been read
		up()
		b.settle(5 * time.Minute)
		_, err := in.Get(b.t.Context(), nsName("c"))
		require.True(t, apierrors.IsNotFound(err))
		require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err))
		require.NoError(t, in.SetNamespaces("other"))
		requireUnknown() // another namespace
		stop()
	})
}

// TestG20OneNamespaceThatIsDeniedKeepsNoOther at the start, and when it is added later.
func TestG20OneNamespaceThatIsDeniedKeepsNoOther(t *testing.T) {
	there := newDeployment("there")
	there.Namespace = "other"
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		require.NoError(t, in.SetNamespaces("ns", "other"))
		b.opts.Informer.Namespaces = []string{"ns", "other"}
		up := b.denies("/namespaces/other/")
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			_, err := in.Get(ctx, repository.Key(d))
			if apierrors.IsNotFound(err) {
				cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name}}
				_, err = repo.Create(ctx, cm)
			}
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in)
		b.run()
		require.Equal(t, []string{"apply a"}, b.settle(10*time.Second))
		require.Error(t, b.c.Ready())
		up()
		require.Equal(t, []string{"apply there"}, b.settle(5*time.Minute))
		require.NoError(t, b.c.Ready())
	}, newDeployment("a"), there)
}

// TestG8ANewNamespaceWaitsForItsCaches adds a namespace to the objects first, and to their
// children later.
func TestG8ANewNamespaceWaitsForItsCaches(t *testing.T) {
	there := newDeployment("there")
	there.Namespace = "other"
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		require.NoError(t, in.SetNamespaces("ns"))
		b.opts.Informer.Namespaces = []string{"ns"}
		found := map[string]bool{}
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			_, err := in.Get(ctx, repository.Key(d))
			found[d.Name] = err == nil
			return controller.AwaitChange(), err
		}
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "there"}}
		_, err := repo.Create(b.t.Context(), cm)
		require.NoError(t, err)
		b.make()
		controller.Owns(b.c, in)
		b.run()
		b.settle(time.Second)
		up := b.denies("/namespaces/other/")
		require.NoError(t, in.SetNamespaces("ns", "other"))
		require.NoError(t, b.c.Informer().SetNamespaces("ns", "other"))
		require.NotContains(t, b.settle(time.Minute), "apply there")
		up()
		require.Contains(t, b.settle(5*time.Minute), "apply there")
		require.True(t, found["there"])
	}, newDeployment("a"), there)
}
