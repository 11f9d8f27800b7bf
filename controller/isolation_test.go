package controller_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/fault"
)

// TestG11FailingKeysDoNotDelayOthers has a crowd of objects that always fail, and one that
// does not. Kills: a rate limit that all keys share.
func TestG11FailingKeysDoNotDelayOthers(t *testing.T) {
	objs := []metav1.Object{newDeployment("healthy")}
	for i := range crowd(1000) {
		d := newDeployment(name("bad", i))
		d.Finalizers = []string{ours}
		objs = append(objs, d)
	}
	inBubble(t, func(b *harness) {
		b.opts.Observer = nil
		b.opts.Workers = 2
		applied := make(chan time.Time, 100)
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			if d.Name != "healthy" {
				return controller.AwaitChange(), kerr.After(time.Second, io.ErrUnexpectedEOF)
			}
			applied <- time.Now()
			return controller.AwaitChange(), nil
		}
		b.opts.Logger = zap.NewNop()
		b.start()
		<-applied
		for range 20 {
			b.settle(777 * time.Millisecond)
			start := time.Now()
			b.c.Enqueue(nsName("healthy"))
			require.Zero(t, (<-applied).Sub(start))
		}
	}, objs...)
}

// TestG1G13AnAttemptThatDoesNotEnd hangs beyond its deadline. Kills: a key that is
// given to another worker; a hang that nobody hears of.
func TestG1G13AnAttemptThatDoesNotEnd(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Timeout = time.Minute
		b.opts.Workers = 2
		wake := make(chan struct{})
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			if d.Name == "stuck" {
				<-wake
			}
			return controller.AwaitChange(), ctx.Err()
		}
		require.NoError(t, func() error { b.make(); return b.c.Healthy() }(), "before it runs")
		b.run()
		b.settle(90 * time.Second)
		require.NoError(t, b.c.Healthy())
		b.settle(time.Minute)
		require.ErrorContains(t, b.c.Healthy(), "ns/stuck")
		b.c.Enqueue(nsName("stuck"))
		b.edit("stuck", scale(3))
		b.edit("fine", scale(3))
		require.Equal(t, []string{"apply fine"}, b.settle(time.Hour), "one worker goes on, and nobody else has the key")
		require.Len(t, b.logs.FilterMessageSnippet("attempt is stuck").All(), 1)
		close(wake)
		require.Equal(t, []string{"apply stuck"}, b.settle(time.Minute))
		require.NoError(t, b.c.Healthy())
		attempts := b.took()
		require.Equal(t, kerr.ClassTimeout, kerr.ClassOf(attempts[len(attempts)-2].Err))
	}, newDeployment("stuck"), newDeployment("fine"))
}

// Kills: an ErrorHandler that cannot write what it wants to say about a timeout.
func TestG13TheErrorHandlerHasTimeAfterATimeout(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Timeout = time.Second
		var handled error
		c, err := controller.New(b.repo, handling{b.user, func(ctx context.Context) { handled = ctx.Err() }}, &b.opts)
		require.NoError(t, err)
		stop := b.runs(c)
		b.create("a")
		b.settle(5 * time.Second)
		stop()
		require.NoError(t, handled)
		require.Equal(t, kerr.ClassTimeout, kerr.ClassOf(b.took()[0].Err))
	})
}

type handling struct {
	controller.Funcs[*deployment]
	handled func(context.Context)
}

func (handling) Apply(ctx context.Context, _ *deployment) (action, error) {
	<-ctx.Done()
	return controller.AwaitChange(), context.Cause(ctx)
}

func (h handling) HandleError(ctx context.Context, _ *deployment, err error) (action, error) {
	h.handled(ctx)
	return controller.AwaitChange(), err
}

// TestG15AChildThatMayHaveBeenCreated loses the answer to a create, while the watch is
// behind. Kills: a next attempt that believes the cache.
func TestG15AChildThatMayHaveBeenCreated(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, g := b.gatedChildren(nil)
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			_, err := in.Get(ctx, nsName("c"))
			if !apierrors.IsNotFound(err) {
				return controller.AwaitChange(), err
			}
			_, err = g.Create(ctx, child("c")) // nobody's child, so that nobody adopts it
			return controller.AwaitChange(), err
		}
		b.fail(fault.On("create", "configmaps").Nth(1).Then(fault.CommitThenEOF()))
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold()
		b.create("a")
		require.Equal(t, []string{"apply a", "apply a"}, b.settle(time.Second), "it does not wait: there is nothing to compare with")
		attempts := b.took()
		require.Equal(t, kerr.ClassAmbiguous, kerr.ClassOf(attempts[0].Err))
		require.NoError(t, attempts[1].Err)
		require.Equal(t, 1, b.creates())
		g.release()
	})
}

// TestG15AnObjectThatMayHaveBeenWritten loses the answer to a patch of the object
// itself. Kills: a next attempt that starts from the cache.
func TestG15AnObjectThatMayHaveBeenWritten(t *testing.T) {
	inBubble(t, func(b *harness) {
		g := gate(b.repo)
		b.watched = g
		var seen []string
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			seen = append(seen, d.Labels["written"])
			if d.Labels["written"] != "" {
				return controller.AwaitChange(), nil
			}
			_, err := b.repo.Patch(ctx, d, "application/merge-patch+json", []byte(`{"metadata":{"labels":{"written":"yes"}}}`))
			return controller.AwaitChange(), err
		}
		b.fail(fault.On("write", "*").Nth(2).Then(fault.CommitThenEOF()))
		b.make()
		g.hold()
		b.run()
		b.settle(time.Second)
		require.Equal(t, []string{"", "yes"}, seen)
		g.release()
		b.settle(time.Minute)
		require.Len(t, b.Writes(), 2, "the finalizer and the label")
	}, newDeployment("a"))
}

// TestFault10Conflicts answers every second write of all objects, and every write of
// one, with a conflict.
func TestFault10Conflicts(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			want := d.DeepCopy()
			want.Labels = map[string]string{"written": "yes"}
			_, err := b.repo.Update(ctx, d, want)
			return controller.AwaitChange(), err
		}
		var n atomic.Int32
		second := func(*http.Request) bool { return n.Add(1)%2 == 0 }
		b.fail(
			fault.On("write", "deployments.apps").Named("never").Then(fault.Conflict()),
			fault.On("write", "deployments.apps").Matching(second).Then(fault.Conflict()),
		)
		b.start()
		calls := b.settle(time.Hour)
		for _, good := range []string{"a", "b", "c"} {
			require.Equal(t, "yes", b.live(good).Labels["written"])
		}
		require.LessOrEqual(t, len(calls), 30, "the others settle soon, and one backs off")
		require.Zero(t, b.logs.FilterLevelExact(zapcore.ErrorLevel).Len(), "no errors in the log")
	}, newDeployment("a"), newDeployment("b"), newDeployment("c"), newDeployment("never"))
}

// TestFault4DeletedWhileApplyRuns deletes the object during a long Apply.
func TestFault4DeletedWhileApplyRuns(t *testing.T) {
	inBubble(t, func(b *harness) {
		running, most := 0, 0
		busy := func(ctx context.Context, _ *deployment) (action, error) {
			running++
			most = max(most, running)
			time.Sleep(30 * time.Second)
			running--
			return controller.AwaitChange(), nil
		}
		b.user.ApplyFunc, b.user.CleanupFunc = busy, busy
		b.start()
		b.settle(time.Second)
		b.delete("a")
		require.Equal(t, []string(nil), b.settle(28*time.Second))
		require.Equal(t, []string{"cleanup a"}, b.settle(2*time.Second))
		b.settle(time.Minute)
		require.Nil(t, b.live("a"))
		require.Equal(t, 1, most, "never at the same time")
	}, newDeployment("a"))
}
