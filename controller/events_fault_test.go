package controller_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// scripted is a repository whose lists and watches are functions.
type scripted struct {
	repository.Repository[*deployment]
	list  func() (runtime.Object, error)
	watch func() (watch.Interface, error)
}

func (s *scripted) ListerWatcher() cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc:  func(context.Context, metav1.ListOptions) (runtime.Object, error) { return s.list() },
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) { return s.watch() },
	}, noWatchList{})
}

// TestFault7TooLargeResourceVersion has a server that lags behind what the client has
// seen, for a while. Kills: a loop without a pause, an error that ends the controller.
func TestFault7TooLargeResourceVersion(t *testing.T) {
	inBubble(t, func(b *harness) {
		var lists atomic.Int32
		var healed atomic.Bool
		inner := cache.ToListerWatcherWithContext(b.repo.ListerWatcher())
		b.watched = &scripted{b.repo, func() (runtime.Object, error) {
			if lists.Add(1); !healed.Load() {
				return nil, apierrors.NewTimeoutError("Too large resource version: 9000, current: 42", 1)
			}
			return inner.ListWithContext(b.t.Context(), metav1.ListOptions{})
		}, func() (watch.Interface, error) {
			return inner.WatchWithContext(b.t.Context(), metav1.ListOptions{})
		}}
		b.start()
		require.Empty(t, b.settle(3*time.Minute))
		require.LessOrEqual(t, lists.Load(), int32(30), "it backs off")
		require.NotEmpty(t, b.troubled(), "and is reported")
		healed.Store(true)
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
	}, newDeployment("a"))
}

// TestFault9WatchesThatCloseAtOnce has a server that answers each watch with 200 and
// nothing. Kills: a hot loop of lists and watches.
func TestFault9WatchesThatCloseAtOnce(t *testing.T) {
	inBubble(t, func(b *harness) {
		var requests atomic.Int32
		inner := cache.ToListerWatcherWithContext(b.repo.ListerWatcher())
		b.watched = &scripted{b.repo, func() (runtime.Object, error) {
			requests.Add(1)
			return inner.ListWithContext(b.t.Context(), metav1.ListOptions{})
		}, func() (watch.Interface, error) {
			requests.Add(1)
			w := watch.NewFake()
			w.Stop()
			return w, nil
		}}
		b.start()
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		requests.Store(0)
		b.settle(3 * time.Minute)
		require.LessOrEqual(t, requests.Load(), int32(40))
		b.edit("a", scale(3))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "changes are found by the lists")
	}, newDeployment("a"))
}

// history has an object live on the server, and after it another one of its name, and
// returns the events of both, each of a state of its own.
func (b *harness) history() []watch.Event {
	b.t.Helper()
	client := b.Clientset.AppsV1().Deployments("ns")
	w, err := client.Watch(b.t.Context(), metav1.ListOptions{})
	require.NoError(b.t, err)
	defer w.Stop()
	create := func() {
		_, err := client.Create(b.t.Context(), held(1), metav1.CreateOptions{})
		require.NoError(b.t, err)
		b.edit("a", scale(2))
	}
	create()
	b.delete("a")
	b.edit("a", func(d *deployment) { d.Finalizers = nil })
	create()
	b.edit("a", func(d *deployment) { d.Labels = map[string]string{"k": "v"} })
	life := make([]watch.Event, 7)
	for i := range life {
		life[i] = <-w.ResultChan()
	}
	return life
}

// TestFault22EventsInAnyOrder repeats, drops, delays and reorders the events of an
// object, and then delivers its last state, as a watch cache that moved to another
// server might. Kills: a handler that believes the order of events, a state that goes
// back in time.
func TestFault22EventsInAnyOrder(t *testing.T) {
	for seed := range uint64(12) {
		inBubble(t, func(b *harness) {
			random := rand.New(rand.NewPCG(seed, 0))
			events := watch.NewFake()
			b.watched = &replayed{b.repo, events}
			var seen []int
			b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
				rv, err := strconv.Atoi(d.ResourceVersion)
				require.NoError(t, err)
				seen = append(seen, rv)
				return controller.AwaitChange(), err
			}
			b.start()
			life := b.history()
			truth := life[len(life)-1].Object.(*deployment)
			writes := len(b.Writes())
			for range 12 {
				event := life[random.IntN(len(life))]
				events.Action(event.Type, event.Object.DeepCopyObject())
				if random.IntN(2) == 0 {
					b.settle(time.Duration(random.IntN(3000)) * time.Millisecond)
				}
			}
			events.Modify(truth.DeepCopy())
			b.settle(time.Minute)
			require.NotEmpty(t, seen, "seed %d", seed)
			require.Equal(t, truth.ResourceVersion, strconv.Itoa(seen[len(seen)-1]), "seed %d: %v", seed, seen)
			require.Len(t, b.Writes(), writes, "nothing is written: the object has all it needs")
		})
	}
}
