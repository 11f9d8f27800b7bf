package controller_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// inApp sets the only label of a ConfigMap.
func inApp(app string) func(*corev1.ConfigMap) {
	return func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"app": app} }
}

// TestG8AnOwnWriteThatTheCacheWentOver: an attempt writes an object so that it belongs into the
// list that it reads, and sees it there, since reads show own writes. Another client takes it out,
// and everything is listed again before a watch shows what was in between: the cache goes from a
// state outside of the list to another one outside of it.
// Kills: events that are compared with nothing but what the cache had before.
func TestG8AnOwnWriteThatTheCacheWentOver(t *testing.T) {
	for name, exists := range map[string]bool{"created": false, "updated": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				var wrote atomic.Bool
				var listed atomic.Int32
				in, repo := b.children()
				b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
					if d.Name == "late" && wrote.CompareAndSwap(false, true) {
						if err := into(ctx, repo, "x", exists); err != nil {
							return controller.AwaitChange(), err
						}
					}
					all, err := in.List(ctx, informer.MatchingLabels(map[string]string{"app": "x"}))
					listed.Store(int32(len(all)))
					return controller.AwaitChange(), err
				}
				b.make()
				controller.References(b.c, in)
				if exists {
					b.write(repo, "c", inApp("y"))
				}
				b.run()
				b.settle(time.Minute)
				b.goesOver("configmaps", func() {
					b.create("late")
					b.settle(time.Second)
					require.EqualValues(t, 1, listed.Load(), "its own write")
					b.write(repo, "c", inApp("y"))
				})
				b.settle(time.Minute)
				require.Zero(t, listed.Load(), "it is not in the list any more")
				require.Empty(t, b.settle(time.Hour))
			})
		})
	}
}

// into has an attempt create or update c.
func into(ctx context.Context, repo *repository.Live[*corev1.ConfigMap], app string, exists bool) error {
	want := child("c")
	if !exists {
		inApp(app)(want)
		_, err := repo.Create(ctx, want)
		return err
	}
	have, err := repo.Get(ctx, nsName("c"))
	if err != nil {
		return err
	}
	want = have.DeepCopy()
	inApp(app)(want)
	_, err = repo.Update(ctx, have, want)
	return err
}

// TestG8AChildThatLostItsOwnerUnseen is made by an attempt, and another client takes the owner
// reference away before a watch shows the child.
func TestG8AChildThatLostItsOwnerUnseen(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			c := child("c")
			_, err := repo.Ensure(ctx, c, func(c *corev1.ConfigMap) error {
				return repository.SetController(d, b.repo.Kind(), c)
			})
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in)
		b.run()
		b.goesOver("configmaps", func() {
			b.create("a")
			b.settle(time.Second)
			b.write(repo, "c", func(c *corev1.ConfigMap) { c.OwnerReferences = nil })
		})
		b.settle(time.Minute)
		require.Len(t, b.liveChild(repo, "c").OwnerReferences, 1, "it is put back")
	})
}

// TestG9AnOwnWriteThatWasChangedSinceIsNoNewsTwice: the watch shows both states, one after the
// other. Kills: caches that are taken to have gone over what they only are past by now.
func TestG9AnOwnWriteThatWasChangedSinceIsNoNewsTwice(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			if _, err := repo.Get(ctx, nsName("c")); err == nil {
				return controller.AwaitChange(), nil
			}
			_, err := repo.Create(ctx, child("c"))
			b.write(repo, "c", inApp("theirs")) // another client
			time.Sleep(time.Second)             // until the cache shows both
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in) // but it is not owned
		b.run()
		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))
	})
}

// goesOver does what no watch of a resource shows: afterwards everything is listed again.
func (b *harness) goesOver(resource string, f func()) {
	b.t.Helper()
	watches := b.Watches(resource)
	watches.Hold()
	f()
	b.Expire()
	watches.Gone()
	watches.Release()
}

func (b *harness) liveChild(repo *repository.Live[*corev1.ConfigMap], name string) *corev1.ConfigMap {
	b.t.Helper()
	cm, err := repo.Get(b.t.Context(), nsName(name))
	require.NoError(b.t, err)
	return cm
}

// TestG5AChildThatWasLetGoIsGone: it was deleted and then lost its last finalizer, both by the
// attempt. Its next reads find nothing, although the watch lags behind.
func TestG5AChildThatWasLetGoIsGone(t *testing.T) {
	for name, letGo := range map[string]func(context.Context, *repository.Live[*corev1.ConfigMap], *corev1.ConfigMap) error{
		"patch": func(ctx context.Context, repo *repository.Live[*corev1.ConfigMap], c *corev1.ConfigMap) error {
			_, err := repo.Patch(ctx, c, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
			return err
		},
		"update": func(ctx context.Context, repo *repository.Live[*corev1.ConfigMap], c *corev1.ConfigMap) error {
			have, err := repo.Get(ctx, repository.Key(c))
			if err != nil {
				return err
			}
			free := have.DeepCopy()
			free.Finalizers = nil
			_, err = repo.Update(ctx, have, free)
			return err
		},
		"finalizer.Remove": func(ctx context.Context, repo *repository.Live[*corev1.ConfigMap], c *corev1.ConfigMap) error {
			return finalizer.Remove(ctx, repo, "example.com/held", c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				in, repo := b.children()
				var after atomic.Pointer[error]
				var listed atomic.Int32
				b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
					have, err := in.Get(ctx, nsName("c"))
					if err != nil {
						return controller.AwaitChange(), nil
					}
					if err := errors.Join(repo.Delete(ctx, have), letGo(ctx, repo, have)); err != nil {
						return controller.AwaitChange(), err
					}
					_, gone := in.Get(ctx, nsName("c"))
					after.Store(&gone)
					all, err := in.List(ctx)
					listed.Store(int32(len(all)))
					return controller.AwaitChange(), err
				}
				b.make()
				controller.References(b.c, in)
				held := child("c")
				held.Finalizers = []string{"example.com/held"}
				_, err := repo.Create(b.t.Context(), held)
				require.NoError(t, err)
				b.run()
				b.settle(time.Second)
				b.Watches("configmaps").Hold()
				b.create("a")
				b.settle(time.Second)
				b.Watches("configmaps").Release()
				require.NotNil(t, after.Load())
				require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(*after.Load()))
				require.Zero(t, listed.Load())
				b.settle(time.Minute)
				require.Empty(t, b.worse())
			})
		})
	}
}
