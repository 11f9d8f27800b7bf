package controller_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
)

// TestG10OwnWritesAreNoNews has an Apply that changes its own spec and then fails: the
// change is its own, and no reason to try again at once. Kills: a new generation that ends a
// backoff, whoever made it.
func TestG10OwnWritesAreNoNews(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			changed := d.DeepCopy()
			changed.Spec.Replicas = new(*d.Spec.Replicas + 1)
			_, err := b.repo.Update(ctx, d, changed)
			return controller.AwaitChange(), errors.Join(err, errBucket)
		}
		b.start()
		require.LessOrEqual(t, len(b.settle(time.Minute)), 12, "as many as the backoff allows")
	}, newDeployment("a"))
}

// TestG10WhatRepairsAFailingObjectIsSeenWithinASecond, however long its backoff is by now:
// what the failed attempt read, by name or in a list, the object itself, and for kinds that have
// no generation any edit.
func TestG10WhatRepairsAFailingObjectIsSeenWithinASecond(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			_, err := in.Get(ctx, nsName("c"))
			return controller.AwaitChange(), err
		}
		b.make()
		controller.References(b.c, in)
		b.run()
		b.settle(time.Hour)
		b.write(repo, "other", data("k", "v"))
		b.settle(0)
		b.took()
		b.write(repo, "c", data("k", "v"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		attempts := b.took()
		require.NoError(t, attempts[len(attempts)-1].Err)
	}, newDeployment("a"))
}

// TestG10ABusyDependencyCostsNoMoreThanAnAttemptASecond has something that a failing object
// read change 100 times a second, and the object itself as often. Kills: events that run a
// failing object as often as they come.
func TestG10ABusyDependencyCostsNoMoreThanAnAttemptASecond(t *testing.T) {
	pause := 10 * time.Millisecond
	if testing.Short() {
		pause *= 5
	}
	for name, change := range map[string]func(b *harness, write func(i int), i int){
		"what it read": func(_ *harness, write func(int), i int) { write(i) },
		"its own spec": func(b *harness, _ func(int), i int) { b.edit("a", scale(int32(i))) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				in, repo := b.children()
				b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
					_, err := in.List(ctx, informer.In("ns"))
					return controller.AwaitChange(), errors.Join(err, errBucket)
				}
				b.make()
				controller.References(b.c, in)
				b.run()
				b.settle(time.Hour)
				for i := range int(10 * time.Second / pause) {
					change(b, func(i int) { b.write(repo, "c", data("i", strconv.Itoa(i))) }, i)
					time.Sleep(pause)
				}
				calls := len(b.settle(0))
				require.LessOrEqual(t, calls, 13, "of 10 seconds")
				require.GreaterOrEqual(t, calls, 9)
			}, newDeployment("a"))
		})
	}
}

// TestG10AtOnceIsNotSoonerThanTheShortestBackoff: a failure that is tried again at once is
// a loop.
func TestG10AtOnceIsNotSoonerThanTheShortestBackoff(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			return controller.AwaitChange(), kerr.After(0, errBucket)
		}
		b.start()
		require.Len(t, b.settle(10*time.Second-time.Millisecond), 100)
	}, newDeployment("a"))
}

// TestG10AnEditOfAKindWithoutGenerationEndsTheWait of a ConfigMap.
func TestG10AnEditOfAKindWithoutGenerationEndsTheWait(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, repo := b.children()
		b.write(repo, "c", data("k", "bad"))
		good := 0
		c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: ours, ApplyFunc: func(_ context.Context, cm *corev1.ConfigMap) (action, error) {
			if cm.Data["k"] == "bad" {
				return controller.AwaitChange(), errBucket
			}
			good++
			return controller.AwaitChange(), nil
		}}, &b.opts)
		require.NoError(t, err)
		stop := b.runs(c)
		b.settle(time.Hour)
		_, err = b.Clientset.CoreV1().ConfigMaps("ns").Patch(b.t.Context(), "c", types.MergePatchType, []byte(`{"data":{"k":"good"}}`), metav1.PatchOptions{})
		require.NoError(t, err)
		b.settle(time.Second)
		require.Equal(t, 1, good)
		stop()
	})
}

// TestG10AnEditWithoutAnotherGenerationEndsNoWait has users label an object that fails.
// Kills: a backoff that each edit ends; an error that is not retried and hides later edits.
func TestG10AnEditWithoutAnotherGenerationEndsNoWait(t *testing.T) {
	inBubble(t, func(b *harness) {
		failure := errBucket
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) { return controller.AwaitChange(), failure }
		label := func(value string) func(*deployment) {
			return func(d *deployment) { metav1.SetMetaDataLabel(&d.ObjectMeta, "example.com/changed", value) }
		}
		b.start()
		b.settle(time.Hour)
		for len(b.settle(time.Second)) == 0 { // until it has just failed: the backoff has minutes to go
		}
		b.edit("a", label("1"))
		require.Empty(t, b.settle(time.Second), "it waits for the end of its backoff")
		failure = kerr.Invalid(errBucket)
		b.edit("a", scale(2))
		require.Len(t, b.settle(time.Second), 1, "a new generation ends the backoff")
		require.Empty(t, b.settle(time.Hour), "it is not retried")
		b.edit("a", label("2"))
		require.Len(t, b.settle(time.Second), 1, "nothing is waited for")
	}, newDeployment("a"))
}
