package controller_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// cleans notes the Cleanups, and which of them came too late.
func (b *harness) cleans(result func() (action, error)) *[]string {
	var done []string
	b.user.CleanupFunc = func(ctx context.Context, d *deployment) (action, error) {
		a, err := result()
		if err == nil {
			what := "clean "
			if controller.Bypassed(ctx) {
				what = "late "
			}
			done = append(done, what+d.Name+" "+d.Labels["is"])
		}
		return a, err
	}
	return &done
}

func well() (action, error) { return controller.AwaitChange(), nil }

// strip takes the finalizers away, as people do with force.
func (b *harness) strip(name string) {
	b.t.Helper()
	_, err := b.Clientset.AppsV1().Deployments("ns").Patch(b.t.Context(), name, types.MergePatchType,
		[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	require.NoError(b.t, err)
}

// unseen has f happen while the operator sees nothing.
func (b *harness) unseen(f func()) {
	b.Watches("deployments.apps").Hold()
	f()
	b.Watches("deployments.apps").Release()
}

func labelled(name, is string) *deployment {
	d := newDeployment(name)
	d.Labels = map[string]string{"is": is}
	return d
}

// TestG3xABypassedFinalizerIsCleanedUpLater: the API server removes an object although it
// acknowledged our finalizer, if it was serving the DELETE already.
func TestG3xABypassedFinalizerIsCleanedUpLater(t *testing.T) {
	inBubble(t, func(b *harness) {
		done := b.cleans(well)
		b.start()
		b.settle(time.Second)
		b.unseen(func() { b.strip("a"); b.delete("a") })
		b.settle(time.Hour)
		require.Equal(t, []string{"late a old"}, *done)
		attempts := b.took()
		require.True(t, attempts[len(attempts)-1].Bypassed)
		require.Len(t, b.logs.FilterMessageSnippet("finalizer bypassed").All(), 1)
		b.create("a")
		b.settle(time.Second)
		b.delete("a")
		b.settle(time.Hour)
		require.Equal(t, []string{"late a old", "clean a "}, *done, "and the next one in the usual way")
	}, labelled("a", "old"))
}

// TestG3xForceWhileCleanupFails: somebody loses patience.
func TestG3xForceWhileCleanupFails(t *testing.T) {
	inBubble(t, func(b *harness) {
		var up atomic.Bool
		done := b.cleans(func() (action, error) {
			if up.Load() {
				return well()
			}
			return controller.AwaitChange(), errBucket
		})
		b.start()
		b.settle(time.Second)
		b.delete("a")
		b.settle(time.Second)
		b.strip("a")
		b.settle(2 * time.Minute)
		require.Empty(t, *done)
		up.Store(true)
		b.settle(5 * time.Minute)
		require.Equal(t, []string{"late a old"}, *done)
		require.Empty(t, b.settle(24*time.Hour))
	}, labelled("a", "old"))
}

// TestG3xTheNewObjectOfTheNameComesAfterTheOld in one event.
func TestG3xTheNewObjectOfTheNameComesAfterTheOld(t *testing.T) {
	for _, inOneEvent := range []bool{false, true} {
		inBubble(t, func(b *harness) {
			done := b.cleans(well)
			b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
				*done = append(*done, "apply "+d.Labels["is"])
				return controller.AwaitChange(), nil
			}
			b.start()
			b.settle(time.Second)
			b.unseen(func() {
				b.strip("a")
				b.delete("a")
				_, err := b.Clientset.AppsV1().Deployments("ns").Create(b.t.Context(), labelled("a", "new"), metav1.CreateOptions{})
				require.NoError(t, err)
				if inOneEvent {
					b.Watches("deployments.apps").Gone() // it lists again
				}
			})
			b.settle(time.Hour)
			// The cache can show the new object a moment before the event of the old one's end is handled.
			// Then it is applied before, and once more after the Cleanup.
			calls := slices.Compact(*done)
			if len(calls) == 4 && calls[1] == "apply new" {
				calls = slices.Delete(calls, 1, 2)
			}
			require.Equal(t, []string{"apply old", "late a old", "apply new"}, calls)
		}, labelled("a", "old"))
	}
}

// TestG3xRetriesEndInTime: what cannot be cleaned up is not tried for ever.
func TestG3xRetriesEndInTime(t *testing.T) {
	inBubble(t, func(b *harness) {
		var calls atomic.Int64
		b.cleans(func() (action, error) { calls.Add(1); return controller.AwaitChange(), errors.New("down") })
		b.opts.BypassTimeout = 20 * time.Minute
		b.start()
		b.settle(time.Second)
		b.unseen(func() { b.strip("a"); b.delete("a") })
		b.settle(10 * time.Minute)
		tried := calls.Load()
		require.Greater(t, tried, int64(5))
		b.settle(20 * time.Minute)
		require.Greater(t, calls.Load(), tried)
		require.Len(t, b.logs.FilterMessageSnippet("gave up").All(), 1)
		require.Empty(t, b.settle(24*time.Hour))
	}, newDeployment("a"))
}

// TestG3xNoBypass: what is no bypass is not cleaned up.
func TestG3xNoBypass(t *testing.T) {
	for name, c := range map[string]struct {
		setup func(b *harness)
		then  func(b *harness)
		done  []string
	}{
		"it left the selector": {func(b *harness) {
			b.opts.Informer.LabelSelector = labels.SelectorFromSet(labels.Set{"is": "old"})
		}, func(b *harness) { b.edit("a", func(d *deployment) { d.Labels["is"] = "new" }) }, nil},
		"it left the namespaces": {nil, func(b *harness) { require.NoError(b.t, b.c.Informer().SetNamespaces("other")) }, nil},
		"an ordinary deletion":   {nil, func(b *harness) { b.delete("a") }, []string{"clean a old"}},
		"the end of it unseen":   {nil, func(b *harness) { b.unseen(func() { b.delete("a") }) }, []string{"clean a old"}},
		"reported only": {func(b *harness) { b.opts.BypassTimeout = -1 }, func(b *harness) {
			b.unseen(func() { b.strip("a"); b.delete("a") })
			b.settle(time.Minute)
			require.Len(b.t, b.logs.FilterMessageSnippet("finalizer bypassed").All(), 1)
		}, nil},
		"a Cleanup that is skipped": {func(b *harness) { b.opts.AllowSkipCleanup = true }, func(b *harness) {
			b.edit("a", func(d *deployment) { d.Annotations = map[string]string{controller.SkipCleanupAnnotation: "true"} })
			b.delete("a")
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				done := b.cleans(well)
				if c.setup != nil {
					c.setup(b)
				}
				b.start()
				b.settle(time.Second)
				c.then(b)
				b.settle(time.Hour)
				require.Equal(t, c.done, *done)
			}, labelled("a", "old"))
		})
	}
}

// TestG3xACleanupThatIsNotFinishedComesBack at the time that it asked for.
func TestG3xACleanupThatIsNotFinishedComesBack(t *testing.T) {
	inBubble(t, func(b *harness) {
		var calls atomic.Int64
		done := b.cleans(func() (action, error) {
			if calls.Add(1) < 3 {
				return controller.Requeue(time.Minute), nil
			}
			return controller.AwaitChange(), nil
		})
		b.start()
		b.settle(time.Second)
		b.unseen(func() { b.strip("a"); b.delete("a") })
		b.settle(time.Second)
		require.LessOrEqual(t, calls.Load(), int64(2), "one of the events may come after it")
		b.settle(3 * time.Minute)
		require.EqualValues(t, 3, calls.Load())
		require.Len(t, *done, 3)
	}, labelled("a", "old"))
}

// TestG3xATerminalErrorEndsIt: there is no change to wait for.
func TestG3xATerminalErrorEndsIt(t *testing.T) {
	inBubble(t, func(b *harness) {
		calls := 0
		b.cleans(func() (action, error) {
			calls++
			return controller.AwaitChange(), kerr.Terminal(errors.New("no"))
		})
		b.start()
		b.settle(time.Second)
		b.unseen(func() { b.strip("a"); b.delete("a") })
		b.settle(time.Hour)
		require.Equal(t, 1, calls)
	}, newDeployment("a"))
}
