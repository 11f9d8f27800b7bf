package controller_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// TestG14RunningAttemptsFinish cancels Run while Apply runs: Apply's own ctx stays
// alive, nothing else starts, and Run returns when Apply has.
func TestG14RunningAttemptsFinish(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Workers = 1
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			time.Sleep(15 * time.Second)
			require.NoError(t, ctx.Err())
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Second)
		writes := len(b.Writes())
		b.stop()
		b.c.Enqueue(nsName("a"))
		start := time.Now()
		require.NoError(t, <-b.done)
		require.Equal(t, 14*time.Second, time.Since(start))
		b.stop = nil
		require.Empty(t, b.settle(time.Hour), "no new attempt")
		require.Len(t, b.Writes(), writes)
	}, newDeployment("a"), newDeployment("b"))
}

func TestG14GraceEndsWithACauseAndNamesTheKeys(t *testing.T) {
	inBubble(t, func(b *harness) {
		var cause error
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return controller.AwaitChange(), ctx.Err()
		}
		b.start()
		b.stop()
		start := time.Now()
		err := <-b.done
		b.stop = nil
		require.Equal(t, 20*time.Second, time.Since(start))
		timeout, ok := errors.AsType[*kerr.ShutdownTimeout](err)
		require.True(t, ok)
		require.Equal(t, []types.NamespacedName{nsName("a")}, timeout.Keys)
		require.Empty(t, timeout.Abandoned)
		require.ErrorAs(t, cause, &timeout)
		require.Equal(t, zapcore.InfoLevel, b.logs.All()[0].Level, "a cancelled attempt is no alarm")
	}, newDeployment("a"))
}

func TestG14CodeThatIgnoresItsContextIsReported(t *testing.T) {
	inBubble(t, func(b *harness) {
		release := make(chan struct{})
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			<-release
			return controller.AwaitChange(), nil
		}
		b.start()
		b.stop()
		err := <-b.done
		b.stop = nil
		timeout, ok := errors.AsType[*kerr.ShutdownTimeout](err)
		require.True(t, ok)
		require.Equal(t, []types.NamespacedName{nsName("a")}, timeout.Abandoned)
		close(release)
		synctest.Wait()
		require.Len(t, b.took(), 1)
	}, newDeployment("a"))
}

func TestG14CancelBeforeSync(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.make()
		ctx, cancel := context.WithCancel(b.t.Context())
		cancel()
		require.NoError(t, b.c.Run(ctx))
		require.Empty(t, b.settle(time.Minute))
		require.Empty(t, b.Writes())
	}, newDeployment("a"))
}

func TestG14RunTwiceAtOnceIsAnErrorAndRunAgainIsNot(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.start()
		require.ErrorContains(t, b.c.Run(b.t.Context()), `run controller "deployment": it is running already`)
		require.ErrorContains(t, b.c.ReleaseAll(b.t.Context()), "it is running already")
		b.stop()
		require.NoError(t, <-b.done)
		b.run()
		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
	})
}

func TestG14TimersAndBackoffsEndWithRun(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			if d.Name == "bad" {
				return controller.AwaitChange(), errBucket
			}
			return controller.Requeue(time.Hour), nil
		}
		b.start()
		b.settle(time.Minute)
		b.stop()
		require.NoError(t, <-b.done)
		b.stop = nil
		require.Empty(t, b.settle(24*time.Hour))
	}, newDeployment("a"), newDeployment("bad"))
}

type runnerFunc func(ctx context.Context) error

func (f runnerFunc) Run(ctx context.Context) error { return f(ctx) }

func TestRunAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := 0
		forever := runnerFunc(func(ctx context.Context) error {
			<-ctx.Done()
			stopped++
			return nil
		})
		failing := runnerFunc(func(context.Context) error {
			time.Sleep(time.Minute)
			return errBucket
		})
		require.ErrorIs(t, controller.RunAll(t.Context(), forever, failing), errBucket)
		require.Equal(t, 1, stopped)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, controller.RunAll(ctx, forever))

		require.EqualError(t, controller.RunAll(ctx, forever, nil), "run all: runner 2 of 2 is nil")
		require.EqualError(t, controller.RunAll(ctx, (*controller.Controller[*deployment, controller.Context[*deployment]])(nil)), "run all: runner 1 of 1 is nil")
		require.Equal(t, 2, stopped, "none was run")
	})
}

// TestG1AnAbandonedAttemptIsTheOnlyOne runs the controller again while code that ignored
// its ctx still works on an object. The others are worked on meanwhile.
func TestG1AnAbandonedAttemptIsTheOnlyOne(t *testing.T) {
	inBubble(t, func(b *harness) {
		release := make(chan struct{})
		running, most := 0, 0
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			if d.Name == "a" {
				running++
				most = max(most, running)
				<-release
				running--
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.stop()
		_, ok := errors.AsType[*kerr.ShutdownTimeout](<-b.done)
		require.True(t, ok)
		b.settle(0)
		b.run()
		require.Equal(t, []string{"apply b"}, b.settle(time.Hour))
		close(release)
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		require.Equal(t, 1, most)
	}, newDeployment("a"), newDeployment("b"))
}
