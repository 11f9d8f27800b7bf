package controller_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/fault"
)

// site gives a Deployment the label by which it is selected, or takes it away.
func site(is bool) func(*deployment) {
	return func(d *deployment) {
		delete(d.Labels, "site")
		if is {
			metav1.SetMetaDataLabel(&d.ObjectMeta, "site", "true")
		}
	}
}

func isSite(d *deployment) bool { return d.Labels["site"] == "true" }

// selecting runs f with a controller that selects sites, and the Deployment a, which is one.
func selecting(t *testing.T, f func(b *harness)) {
	t.Helper()
	a := newDeployment("a")
	site(true)(a)
	inBubble(t, func(b *harness) {
		b.user.SelectsFunc = isSite
		f(b)
	}, a, newDeployment("other"))
}

// Kills: objects that are not selected and are applied, or get the finalizer; one that keeps it when it is not selected any
// more, one that is not cleaned up, and one that is cleaned up twice; a change of a label that no generation tells of.
func TestG22OnlyWhatIsSelectedIsApplied(t *testing.T) {
	selecting(t, func(b *harness) {
		b.make()
		b.c.Filter(informer.GenerationChanged[*deployment])
		b.run()
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))
		require.Empty(t, b.live("other").Finalizers)
		b.edit("a", site(false))
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Hour))
		require.Empty(t, b.live("a").Finalizers)
		b.edit("a", func(d *deployment) { d.Spec.Paused = true })
		require.Empty(t, b.settle(time.Hour))
		b.edit("a", site(true))
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))
		require.Equal(t, []string{ours}, b.live("a").Finalizers)
		b.delete("a")
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Hour))
		b.edit("other", site(true))
		require.Equal(t, []string{"apply other"}, b.settle(time.Hour))
		require.Zero(t, b.logs.FilterLevelExact(zapcore.ErrorLevel).Len()+b.logs.FilterLevelExact(zapcore.WarnLevel).Len(), "nothing is wrong, and nothing was bypassed")
	})
}

// It was selected while the operator ran the last time. Kills: an object that nobody lets go, since it never was
// selected as far as the process knows; a finalizer that stays on one that is deleted.
func TestG22WhatIsNotSelectedAnyMoreIsLetGoAfterAStart(t *testing.T) {
	left, deleted := newDeployment("left"), newDeployment("deleted")
	left.Finalizers, deleted.Finalizers = []string{ours}, []string{ours}
	inBubble(t, func(b *harness) {
		b.user.SelectsFunc = isSite
		b.delete("deleted")
		b.start()
		require.ElementsMatch(t, []string{"cleanup left", "cleanup deleted"}, b.settle(time.Hour))
		require.Empty(t, b.live("left").Finalizers)
	}, left, deleted)
}

// Kills: a finalizer that is removed although the cleanup failed; a failure that is not tried again.
func TestG22ACleanupOfWhatIsNotSelectedIsTriedAgain(t *testing.T) {
	selecting(t, func(b *harness) {
		failures := 2
		b.user.CleanupFunc = func(context.Context, *deployment) (action, error) {
			if failures--; failures >= 0 {
				return controller.AwaitChange(), errors.New("not now")
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Second)
		b.edit("a", site(false))
		require.Equal(t, []string{"cleanup a", "cleanup a", "cleanup a"}, b.settle(time.Hour))
		require.Empty(t, b.live("a").Finalizers)
	})
}

// The cache does not show yet that it is selected again. Kills: a Cleanup of what the server says is selected.
func TestG22G7TheServerSaysWhatIsSelected(t *testing.T) {
	selecting(t, func(b *harness) {
		b.start()
		b.settle(time.Second)
		d := b.live("a").DeepCopy()
		site(false)(d)
		b.fail(fault.On("get", "deployments.apps").Nth(1).Then(fault.Call(func() { b.edit("a", site(true)) })))
		_, err := b.Clientset.AppsV1().Deployments("ns").Update(t.Context(), d, metav1.UpdateOptions{})
		require.NoError(t, err)
		require.NotContains(t, b.settle(time.Hour), "cleanup a")
		require.Equal(t, []string{ours}, b.live("a").Finalizers)
	})
}

// It loses its label while the finalizer is added. Kills: an Apply for what the server says is not selected.
func TestG22WhatTheServerAnswersIsSelected(t *testing.T) {
	selecting(t, func(b *harness) {
		b.fail(fault.On("patch", "deployments.apps").Nth(1).Then(fault.Call(func() { b.edit("a", site(false)) })))
		b.start()
		require.NotContains(t, b.settle(time.Hour), "apply a")
		require.Empty(t, b.live("a").Finalizers)
	})
}

// What Apply writes has the object not selected any more. Kills: an own write that is no news for the selection.
func TestG22AnApplyThatDeselectsItsObject(t *testing.T) {
	for name, write := range map[string]func(ctx context.Context, b *harness, d *deployment) error{
		"label": func(ctx context.Context, b *harness, d *deployment) error {
			after := d.DeepCopy()
			site(false)(after)
			_, err := b.repo.Update(ctx, d, after)
			return err
		},
		"status": func(ctx context.Context, b *harness, d *deployment) error {
			_, err := b.repo.Patch(ctx, d, types.MergePatchType, []byte(`{"status":{"replicas":7}}`), "status")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			selecting(t, func(b *harness) {
				b.user.SelectsFunc = func(d *deployment) bool { return isSite(d) && d.Status.Replicas != 7 }
				b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
					return controller.AwaitChange(), write(ctx, b, d)
				}
				b.make()
				b.c.Filter(informer.GenerationChanged[*deployment])
				b.run()
				require.Equal(t, []string{"apply a", "cleanup a"}, b.settle(time.Hour))
				require.Empty(t, b.live("a").Finalizers)
			})
		})
	}
}

// The cache still shows that it was not selected for a while, before the state that Apply got. Kills: an older state that
// ends a Requeue for ever.
func TestG22G6AnOlderStateIsNoNews(t *testing.T) {
	a := newDeployment("a")
	site(true)(a)
	inBubble(t, func(b *harness) {
		g := gate(b.repo)
		b.watched, b.user.SelectsFunc, b.user.FinalizerName = g, isSite, controller.NoFinalizer
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) { return controller.Requeue(time.Minute), nil }
		b.make()
		other, err := b.c.Informer().Subscribe(t.Context(), deaf{})
		require.NoError(t, err)
		b.settle(time.Second)
		g.hold()
		b.edit("a", site(false))
		b.edit("a", site(true))
		b.run()
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		for range 2 {
			g.open <- struct{}{}
			b.settle(time.Second)
		}
		g.release()
		require.GreaterOrEqual(t, len(b.settle(10*time.Minute)), 9)
		b.stop()
		require.NoError(t, <-b.done)
		b.stop = nil
		require.NoError(t, other.Stop())
	}, a)
}

// convergences keeps what was told.
type convergences struct {
	*harness
	told *[]controller.Convergence
}

func (c convergences) Converged(told controller.Convergence) { *c.told = append(*c.told, told) }

// Kills: time in which nobody waited, that is counted.
func TestG22TheTimeWithoutSelectionIsNoWaiting(t *testing.T) {
	selecting(t, func(b *harness) {
		var told []controller.Convergence
		b.opts.Observer = convergences{b, &told}
		b.start()
		b.settle(time.Second)
		b.edit("a", func(d *deployment) { site(false)(d); d.Generation++; d.Spec.Paused = true })
		require.Equal(t, []string{"cleanup a"}, b.settle(24*time.Hour))
		b.edit("a", site(true))
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))
		for _, c := range told {
			require.Less(t, c.After, time.Minute)
		}
	})
}

// The annotation is for objects that are deleted. Kills: one that lives on, and of which everything stays.
func TestG22S8NoCleanupOfWhatLivesIsSkipped(t *testing.T) {
	selecting(t, func(b *harness) {
		b.opts.AllowSkipCleanup = true
		b.start()
		b.settle(time.Second)
		b.edit("a", func(d *deployment) {
			site(false)(d)
			metav1.SetMetaDataAnnotation(&d.ObjectMeta, controller.SkipCleanupAnnotation, "true")
		})
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Hour))
	})
}

// Kills: an object that is left out by a selector that panics, or a process that ends with it.
func TestG22G12ASelectorThatPanics(t *testing.T) {
	selecting(t, func(b *harness) {
		var broken atomic.Bool
		b.user.SelectsFunc = func(d *deployment) bool {
			if broken.Load() {
				panic("no selector")
			}
			return isSite(d)
		}
		b.start()
		b.settle(time.Second)
		broken.Store(true)
		b.edit("a", site(false))
		require.Empty(t, b.settle(time.Minute))
		require.Equal(t, []string{ours}, b.live("a").Finalizers)
		require.Equal(t, kerr.OpFilter, b.troubled()[0].Op)
		took := b.took()
		require.ErrorContains(t, took[len(took)-1].Err, "no selector")
		broken.Store(false)
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Hour))
	})
}

// An object that nobody selects costs nothing, also where a first look reads from the server.
func TestG9WhatIsNotSelectedIsNotRead(t *testing.T) {
	selecting(t, func(b *harness) {
		b.make()
		stop := b.runs(b.c.Informer())
		b.settle(time.Second)
		before := len(b.Requests())
		b.run()
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		for _, request := range b.Requests()[before:] {
			require.NotContains(t, request.String(), "/other")
		}
		b.stop()
		require.NoError(t, <-b.done)
		b.stop = nil
		stop()
	})
}
