package controller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// wants has an Apply that wants a child to be something.
func wants(in *informer.Informer[*corev1.ConfigMap], repo *repository.Live[*corev1.ConfigMap], what string) func(context.Context, *deployment) (action, error) {
	return func(ctx context.Context, _ *deployment) (action, error) {
		have, err := in.Get(ctx, nsName("c"))
		if err != nil || have.Data["k"] == what {
			return controller.AwaitChange(), err
		}
		want := have.DeepCopy()
		want.Data = map[string]string{"k": what}
		time.Sleep(time.Millisecond)
		_, err = repo.Update(ctx, have, want)
		return controller.AwaitChange(), err
	}
}

// TestG9TwoControllersThatUndoEachOtherAreSlowedAndReported want one field to be two things.
func TestG9TwoControllersThatUndoEachOtherAreSlowedAndReported(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.write(repo, "c", data("k", "v"))
		b.user.ApplyFunc = wants(in, repo, "A")
		b.make()
		controller.References(b.c, in)
		b.run()
		other, err := controller.New(b.repo, controller.Funcs[*deployment]{FinalizerName: "example.com/other", ApplyFunc: wants(in, repo, "B")}, &b.opts)
		require.NoError(b.t, err)
		controller.References(other, in)
		stop := b.runs(other)
		b.settle(10 * time.Minute)
		attempts := len(b.took())
		require.LessOrEqual(b.t, attempts, 2*2*(20+10*10+10))
		require.GreaterOrEqual(b.t, attempts, 100)
		require.Len(b.t, b.logs.FilterMessageSnippet("another client undoes it").All(), 2, "both, once")

		b.edit("a", scale(7))
		require.NotEmpty(b.t, b.settle(7*time.Second))
		stop()
	}, newDeployment("a"))
}

// TestG9ManyChildrenOneByOneAreProgress: a roll-out that makes 60 children, one in each
// attempt, each of which causes the next, is not slowed.
func TestG9ManyChildrenOneByOneAreProgress(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, repo := b.children()
		in, err := informer.New(repo, nil)
		require.NoError(t, err)
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			have, err := in.List(ctx)
			if err != nil || len(have) == 60 {
				return controller.AwaitChange(), err
			}
			time.Sleep(time.Millisecond)
			_, err = repo.Create(ctx, child(name("c", len(have))))
			return controller.AwaitChange(), err
		}
		b.make()
		controller.References(b.c, in)
		b.run()
		b.settle(10 * time.Second)
		require.Equal(t, 60, b.creates())
		require.Zero(t, b.logs.FilterMessageSnippet("reconcile loop").Len())
	}, newDeployment("a"))
}

// TestG9ANewNameEachTimeIsALoop, in the end.
func TestG9ANewNameEachTimeIsALoop(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		n := 0
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			time.Sleep(time.Millisecond)
			n++
			_, err := repo.Create(ctx, child("c"+time.Now().Format("150405.000000")))
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Watches(b.c, in, func(_, _ *corev1.ConfigMap) []types.NamespacedName { return []types.NamespacedName{nsName("a")} })
		b.run()
		b.settle(time.Minute)
		require.LessOrEqual(t, n, 1000+20+10+2)
		require.GreaterOrEqual(t, n, 1000)
	}, newDeployment("a"))
}
