package controller_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
)

// Each place where an object can be, and what it waits for there.
func TestInspectShowsWhereAnObjectIs(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, maps := b.children()
		b.opts.Workers = 1
		hangs := time.Duration(0)
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			switch d.Name {
			case "fails":
				return controller.AwaitChange(), errors.New("not yet")
			case "later":
				return controller.Requeue(10 * time.Hour), nil
			case "writes":
				if _, err := maps.Create(ctx, child("c")); !apierrors.IsAlreadyExists(err) {
					return controller.AwaitChange(), err
				}
			case "hangs":
				time.Sleep(hangs)
			}
			return controller.AwaitChange(), nil
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		require.Zero(t, b.c.Inspect(nsName("a")), "it does not run yet")
		b.run()
		began := time.Now()
		b.settle(time.Second)
		require.Equal(t, controller.Inspection{Cached: true}, b.c.Inspect(nsName("a")))
		require.Zero(t, b.c.Inspect(nsName("nobody")))
		later := b.c.Inspect(nsName("later"))
		require.False(t, later.Retry)
		require.Equal(t, 10*time.Hour, later.Due.Sub(began))
		fails := b.c.Inspect(nsName("fails"))
		require.True(t, fails.Retry)
		require.Positive(t, time.Until(fails.Due))
		require.Equal(t, 4, fails.Failures)

		b.Watches("configmaps").Hold()
		b.create("writes")
		b.settle(time.Second)
		since := time.Now()
		b.c.Enqueue(nsName("writes"))
		b.settle(3 * time.Second)
		writes := b.c.Inspect(nsName("writes"))
		require.Equal(t, controller.ParkedStale, writes.Parked)
		require.Equal(t, since, writes.ParkedSince)
		require.Equal(t, []controller.Reason{{Verb: controller.VerbEnqueued}}, writes.Reasons)
		require.Equal(t, []types.NamespacedName{nsName("writes")}, b.c.Stats().Kept)
		b.Watches("configmaps").Release()
		b.settle(time.Second)
		require.Equal(t, controller.Inspection{Cached: true}, b.c.Inspect(nsName("writes")))
		require.Empty(t, b.c.Stats().Kept)

		hangs = time.Minute
		b.create("hangs")
		b.settle(time.Second)
		b.create("waits")
		b.settle(time.Second)
		require.Equal(t, 2*time.Second, time.Since(b.c.Inspect(nsName("hangs")).Running.Start))
		waits := b.c.Inspect(nsName("waits"))
		require.True(t, waits.Queued)
		require.False(t, waits.Background)
		require.Equal(t, controller.VerbAdded, waits.Reasons[0].Verb)
		b.settle(2 * time.Minute)
	}, newDeployment("a"), newDeployment("fails"), newDeployment("later"))
}

// What a key read, and who reads an object: by its name, whether or not it is there, and in a list.
func TestInspectShowsDependencies(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, _ := b.children()
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			switch d.Name {
			case "names":
				_, _ = in.Get(ctx, nsName("c"))
				_, _ = in.Get(ctx, nsName("missing"))
			case "lists":
				_, _ = in.List(ctx, informer.In("ns"))
			}
			return controller.AwaitChange(), nil
		}
		b.make()
		controller.References(b.c, in)
		kind := in.Kind().GroupKind()
		require.Empty(t, b.c.Readers(kind, nsName("c")), "it does not run yet")
		b.run()
		_, err := b.Clientset.CoreV1().ConfigMaps("ns").Create(t.Context(), child("c"), metav1.CreateOptions{})
		require.NoError(t, err)
		b.settle(time.Second)
		require.Equal(t, []controller.Read{{Kind: kind, Key: nsName("c")}, {Kind: kind, Key: nsName("missing")}}, b.c.Inspect(nsName("names")).Reads)
		reads := b.c.Inspect(nsName("lists")).Reads
		require.Len(t, reads, 1)
		require.Contains(t, reads[0].List, `list in "ns"`)
		require.Equal(t, []types.NamespacedName{nsName("lists"), nsName("names")}, b.c.Readers(kind, nsName("c")))
		require.Equal(t, []types.NamespacedName{nsName("names")}, b.c.Readers(kind, nsName("missing")), "no list has it")
		require.Empty(t, b.c.Readers(b.repo.Kind().GroupKind(), nsName("c")), "another kind")
	}, newDeployment("names"), newDeployment("lists"))
}
