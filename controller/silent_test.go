package controller_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/fault"
)

// TestG20AServerThatIsNotThereIsReported: client-go tries again without a word if a connection is
// refused, or if it is asked to wait. A wrong address would say nothing at all.
func TestG20AServerThatIsNotThereIsReported(t *testing.T) {
	for name, rule := range map[string]*fault.Rule{
		"refused":         fault.On("*", "*").Then(fault.NotSent()),
		"refused watches": fault.On("watch", "*").Then(fault.NotSent()),
		"throttled":       fault.On("watch", "*").Then(fault.TooManyRequests(0)),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				b.fail(rule)
				b.start()
				b.settle(10 * time.Minute)
				troubles := b.troubled()
				require.NotEmpty(t, troubles)
				require.Equal(t, kerr.OpSync, troubles[0].Op)
				require.Less(t, len(troubles), 200, "at intervals")
			}, newDeployment("a"))
		})
	}
}

// TestG13AnAttemptOfAnEarlierRunIsUnhealthyToo: it blocks its object until the process ends.
func TestG13AnAttemptOfAnEarlierRunIsUnhealthyToo(t *testing.T) {
	inBubble(t, func(b *harness) {
		release := make(chan struct{})
		b.opts.Timeout, b.opts.Grace = time.Minute, time.Second
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			<-release
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Second)
		b.stop()
		require.Error(t, <-b.done)
		b.run()
		require.NoError(t, b.c.Healthy())
		b.settle(time.Hour)
		require.ErrorContains(t, b.c.Healthy(), "ns/a")
		close(release)
		b.settle(time.Minute)
		require.NoError(t, b.c.Healthy())
	}, newDeployment("a"))
}

// TestG12GoexitInASweepIsAFailure, after which it is called again.
func TestG12GoexitInASweepIsAFailure(t *testing.T) {
	inBubble(t, func(b *harness) {
		var calls atomic.Int32
		user := sweeps{Funcs: controller.Funcs[*deployment]{FinalizerName: ours}}
		user.sweep = func(context.Context, func(context.Context) ([]*deployment, error)) error {
			calls.Add(1)
			runtime.Goexit()
			return nil
		}
		c, err := controller.New(b.repo, user, &b.opts)
		require.NoError(t, err)
		stop := b.runs(c)
		b.settle(12 * time.Minute)
		stop()
		require.EqualValues(t, 3, calls.Load(), "every MaxBackoff")
		require.Len(t, b.troubled(), 3)
	})
}

// TestG1ASweepThatGoesOnIsTheOnlyOne, also in the next Run.
func TestG1ASweepThatGoesOnIsTheOnlyOne(t *testing.T) {
	inBubble(t, func(b *harness) {
		var at, most atomic.Int32
		release := make(chan struct{})
		user := sweeps{Funcs: controller.Funcs[*deployment]{FinalizerName: ours}}
		user.sweep = func(context.Context, func(context.Context) ([]*deployment, error)) error {
			most.Store(max(most.Load(), at.Add(1)))
			defer at.Add(-1)
			<-release
			return nil
		}
		b.opts.Grace = time.Second
		c, err := controller.New(b.repo, user, &b.opts)
		require.NoError(t, err)
		for range 2 {
			ctx, cancel := context.WithTimeout(b.t.Context(), time.Hour)
			require.Error(t, c.Run(ctx), "a sweep is left behind")
			cancel()
		}
		close(release)
		synctest.Wait()
		require.EqualValues(t, 1, most.Load())
	})
}

// TestG5AChildThatWasInTheSelectorForAMoment: an attempt makes it so that a cache shall have it, and
// then so that it shall not. The event of the first comes late, and the next attempt must not take
// it for the truth.
func TestG5AChildThatWasInTheSelectorForAMoment(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, live := b.children()
		in, err := informer.New(live, &informer.Options{LabelSelector: labels.SelectorFromSet(labels.Set{"app": "x"})})
		require.NoError(t, err)
		var first atomic.Bool
		var made atomic.Uint64
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			if first.CompareAndSwap(false, true) {
				b.Watches("configmaps").Hold()
				err := into(ctx, live, "x", false)
				made.Store(b.RV())
				if err := errors.Join(err, into(ctx, live, "y", true)); err != nil {
					return controller.AwaitChange(), err
				}
				return controller.Requeue(0), nil
			}
			if got, err := in.Get(ctx, nsName("c")); err == nil {
				b.t.Errorf("it has the label %v", got.Labels)
			}
			return controller.AwaitChange(), nil
		}
		b.make()
		controller.References(b.c, in)
		b.run()
		b.create("a")
		b.settle(100 * time.Millisecond)
		b.Watches("configmaps").ReleaseTo(made.Load())
		require.Empty(t, b.settle(5*time.Second), "the cache shows what it is not any more")
		b.Watches("configmaps").Release()
		require.NotEmpty(t, b.settle(time.Minute))
	})
}
