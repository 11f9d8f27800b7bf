package controller_test

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
)

// gatedChildren returns an informer of ConfigMaps whose watch can be held.
func (b *harness) gatedChildren(opts *informer.Options) (*informer.Informer[*corev1.ConfigMap], *gated[*corev1.ConfigMap]) {
	b.t.Helper()
	_, repo := b.children()
	g := gate(repo)
	in, err := informer.New[*corev1.ConfigMap](g, opts)
	require.NoError(b.t, err)
	return in, g
}

// oneMore creates a child if the cache has none: the reconciler of whoever believes
// what a cache says. The name is a new one each time, so that nothing but the cache
// prevents a second child.
func oneMore(in *informer.Informer[*corev1.ConfigMap], g *gated[*corev1.ConfigMap]) func(context.Context, *deployment) (action, error) {
	n := 0
	return func(ctx context.Context, _ *deployment) (action, error) {
		if have, err := in.List(ctx); err != nil || len(have) > 0 {
			return controller.AwaitChange(), err
		}
		n++
		_, err := g.Create(ctx, child(fmt.Sprint("child-", n)))
		return controller.AwaitChange(), err
	}
}

// Kills: writes to children that are not recorded, a key that runs all the same, a
// key that is never woken.
func TestG5NextAttemptWaitsUntilTheCacheShowsTheChild(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, g := b.gatedChildren(nil)
		b.user.ApplyFunc = oneMore(in, g)
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold()
		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		b.took()
		for range 3 {
			b.c.Enqueue(nsName("a"))
			b.edit("a", func(d *deployment) { d.Labels = map[string]string{"now": strconv.FormatInt(time.Now().Unix(), 10)} })
			require.Empty(t, b.settle(time.Second), "it waits, whatever happens")
		}
		b.create("b")
		require.Equal(t, []string{"apply b"}, b.settle(time.Millisecond), "others do not")
		g.release()
		require.Equal(t, []string{"apply a"}, b.settle(0), "at once when the cache has caught up")
		attempts := b.took()
		last := attempts[len(attempts)-1]
		require.Contains(t, last.Reasons, controller.Reason{Verb: controller.VerbCaughtUp})
		require.Contains(t, last.Reasons, controller.Reason{Verb: controller.VerbEnqueued})
		require.Equal(t, 2, b.creates(), "one by a, and one by b, whose cache could not know")
	})
}

func nobody(_, _ *corev1.ConfigMap) []types.NamespacedName { return nil }

// Kills: a wait that has no end, and a list that does not show after it what the
// server has.
func TestG5AfterTheWaitTheServerIsAsked(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, g := b.gatedChildren(nil)
		b.user.ApplyFunc = oneMore(in, g)
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold()
		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		b.c.Enqueue(nsName("a"))
		require.Empty(t, b.settle(8*time.Second))
		require.Equal(t, []string{"apply a"}, b.settle(2*time.Second), "StaleWait is 10 s")
		b.c.Enqueue(nsName("a"))
		require.Equal(t, []string{"apply a"}, b.settle(0), "the wait is not repeated for the same write")
		require.Equal(t, 1, b.creates())
		g.release()
	})
}

// TestG5OwnWritesLookLikeTheCache: who reads cannot tell what the cache does not show yet.
// Kills: a read of an own write that skips the transform.
func TestG5OwnWritesLookLikeTheCache(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, g := b.gatedChildren(nil)
		require.NoError(t, in.SetTransform(func(cm *corev1.ConfigMap) *corev1.ConfigMap {
			cm.Data = nil
			return cm
		}))
		var seen []*corev1.ConfigMap
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			cm, err := in.Get(ctx, nsName("c"))
			if apierrors.IsNotFound(err) {
				want := child("c")
				want.Data = map[string]string{"large": "data"}
				_, err = g.Create(ctx, want)
				require.NoError(t, err)
				cm, err = in.Get(ctx, nsName("c"))
			}
			require.NoError(t, err)
			seen = append(seen, cm)
			return controller.AwaitChange(), nil
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold()
		b.create("a")
		b.settle(time.Second)
		g.release()
		b.settle(time.Minute)
		b.c.Enqueue(nsName("a"))
		b.settle(time.Minute)
		require.Len(t, seen, 2)
		require.Equal(t, seen[1], seen[0])
		require.Empty(t, seen[0].Data)
	}, child("none"))
}

// Kills: reads that show the cache although the attempt itself has written.
func TestG5AnAttemptReadsItsOwnWrites(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, g := b.gatedChildren(&informer.Options{LabelSelector: labels.Set{"ours": "yes"}.AsSelector()})
		require.NoError(t, in.AddIndex("color", func(cm *corev1.ConfigMap) []string { return []string{cm.Data["color"]} }))
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			count := func(found []*corev1.ConfigMap, err error) int { require.NoError(t, err); return len(found) }
			colors := func(color string) int { return count(in.ByIndex(ctx, "color", color)) }
			cm := child("c")
			cm.Labels, cm.Data = map[string]string{"ours": "yes"}, map[string]string{"color": "red"}
			created, err := g.Create(ctx, cm)
			require.NoError(t, err)
			created.Data["color"] = "mine to change"
			require.Equal(t, []int{1, 0, 1}, []int{colors("red"), colors("blue"), count(in.List(ctx, informer.In("ns")))})
			require.Zero(t, count(in.List(ctx, informer.In("elsewhere"))))

			seen, err := in.Get(ctx, nsName("c"))
			require.NoError(t, err)
			require.Equal(t, "red", seen.Data["color"])
			require.Empty(t, seen.ManagedFields)
			blue := seen.DeepCopy()
			blue.Data["color"] = "blue"
			updated, err := g.Update(ctx, seen, blue)
			require.NoError(t, err)
			require.Equal(t, []int{0, 1, 1}, []int{colors("red"), colors("blue"), count(in.List(ctx))})

			left := updated.DeepCopy()
			left.Labels["ours"] = "no"
			updated, err = g.Update(ctx, updated, left)
			require.NoError(t, err)
			_, err = in.Get(ctx, nsName("c"))
			require.True(t, apierrors.IsNotFound(err), "it does not match the selector of the cache any more")

			require.NoError(t, g.Delete(ctx, updated))
			_, err = in.Get(ctx, nsName("c"))
			require.True(t, apierrors.IsNotFound(err))
			require.Zero(t, count(in.List(ctx)))
			return controller.AwaitChange(), nil
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold()
		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		require.NoError(t, b.took()[0].Err)
		g.release()
	})
}

// TestG5AListDuringWhichTheCacheCatchesUp has a write arrive after the cache was asked
// for the list, and before the list is compared with own writes. Kills: asking then
// whether the cache shows the write.
func TestG5AListDuringWhichTheCacheCatchesUp(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, g := b.gatedChildren(nil)
		var found []int
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			_, err := g.Create(ctx, child("c"))
			require.NoError(t, err)
			all, err := in.List(ctx, informer.Matching(slowly{labels.Everything()}))
			found = append(found, len(all))
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold()
		b.create("a")
		b.settle(time.Second)
		g.release()
		b.settle(10 * time.Minute)
		require.Equal(t, []int{2}, found)
	}, child("x"))
}

// slowly is a selector that takes a minute for each object.
type slowly struct{ labels.Selector }

func (slowly) Matches(labels.Labels) bool {
	time.Sleep(time.Minute)
	return true
}

// Kills: waiting for what a cache with a selector never shows.
func TestG5NobodyWaitsForAnObjectThatLeftTheSelector(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, g := b.gatedChildren(&informer.Options{LabelSelector: labels.Set{"ours": "yes"}.AsSelector()})
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			_, err := g.Apply(ctx, child("stranger"), "me")
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold() // a watch with that selector delivers nothing about the stranger
		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(0))
		b.c.Enqueue(nsName("a"))
		require.Equal(t, []string{"apply a"}, b.settle(0))
		g.release()
	})
}

// Kills: a child that is deleted, or deleted and made anew, by ourselves.
func TestG5DeletedAndRecreatedChildren(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, g := b.gatedChildren(nil)
		step := 0
		var seen []string
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			cm, err := in.Get(ctx, nsName("c"))
			uid := "none"
			if !apierrors.IsNotFound(err) {
				require.NoError(t, err)
				uid = string(cm.UID)
			}
			seen = append(seen, uid)
			err = nil
			switch step++; step {
			case 1, 3:
				err = g.Delete(ctx, cm)
			case 2:
				_, err = g.Create(ctx, child("c"))
			}
			return controller.Requeue(time.Second), err
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		g.hold()
		b.run()
		b.settle(time.Minute)
		require.Equal(t, "none", seen[1])
		require.NotContains(t, []string{"none", seen[0]}, seen[2], "the new one")
		require.Equal(t, "none", seen[3])
		require.LessOrEqual(t, len(seen), 60)
		g.release()
		b.settle(time.Minute)
		require.Equal(t, "none", seen[len(seen)-1])
	}, newDeployment("a"), child("c"))
}

// TestG5RollbackOfTheServer has an etcd that is restored before a cache has shown a write:
// it is gone, and no cache will ever show it. The watch is told to begin anew.
// Kills: no wait.
func TestG5RollbackOfTheServer(t *testing.T) {
	inBubble(t, func(b *harness) {
		var seen []string
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			seen = append(seen, d.ResourceVersion)
			if len(seen) > 1 {
				return controller.AwaitChange(), nil
			}
			b.Watches("deployments.apps").Hold()
			_, err := b.repo.Patch(ctx, d, types.MergePatchType, []byte(`{"metadata":{"labels":{"written":"yes"}}}`))
			return controller.AwaitChange(), err
		}
		b.start()
		b.settle(time.Second)
		require.Len(t, seen, 1)
		rv, err := strconv.ParseUint(seen[0], 10, 64)
		require.NoError(t, err)
		require.NoError(t, b.Rewind(rv))
		b.Watches("deployments.apps").Gone()
		b.Watches("deployments.apps").Release()
		b.c.Enqueue(nsName("a"))
		require.Empty(t, b.settle(8*time.Second), "StaleWait is 10 s")
		require.Equal(t, []string{"apply a"}, b.settle(2*time.Second))
		require.Equal(t, seen[0], seen[1], "what the server has now")
		b.c.Enqueue(nsName("a"))
		require.Equal(t, []string{"apply a"}, b.settle(0), "and then without any wait")
	}, newDeployment("a"))
}

// TestG5WithoutResourceVersions runs on a plain fake clientset, which sets none: what
// cannot be compared is read live.
func TestG5WithoutResourceVersions(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.Clientset = fake.NewClientset(newDeployment("a"))
		b.repo = repository.FromClient(b.Clientset, appsv1.SchemeGroupVersion.WithKind("Deployment"), b.Clientset.AppsV1().Deployments)
		b.watched = b.repo
		in, g := b.gatedChildren(nil)
		b.user.ApplyFunc = oneMore(in, g)
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold()
		for range 5 {
			b.c.Enqueue(nsName("a"))
			require.NotEmpty(t, b.settle(0), "nobody waits for what cannot be told")
		}
		all, err := b.Clientset.CoreV1().ConfigMaps("ns").List(b.t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, all.Items, 1)
		g.release()
	})
}

// Kills: an attempt that goes on with an old state because the live one cannot be read.
func TestG5AReadThatFailsFailsTheAttempt(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, repo := b.children()
		g := gate(repo)
		broken := &unreadable{gated: g}
		in, err := informer.New[*corev1.ConfigMap](broken, nil)
		require.NoError(t, err)
		var read error
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			var have []*corev1.ConfigMap
			if have, read = in.List(ctx); len(have) > 0 {
				return controller.AwaitChange(), nil
			}
			if _, err := g.Create(ctx, child("c")); err != nil {
				return controller.AwaitChange(), nil //nolint:nilerr // hidden on purpose
			}
			return controller.AwaitChange(), nil
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		g.hold()
		broken.err = context.DeadlineExceeded
		b.create("a")
		b.settle(time.Second)
		b.took()
		b.c.Enqueue(nsName("a"))
		b.settle(11 * time.Second)
		require.ErrorIs(t, read, context.DeadlineExceeded)
		attempts := b.took()
		require.NotEmpty(t, attempts)
		for _, a := range attempts {
			require.ErrorContains(t, a.Err, "read what the cache does not show yet")
			require.Zero(t, a.Writes, "its ctx is over")
		}
		broken.err = nil
		g.release()
		b.settle(time.Hour)
		require.Equal(t, 1, b.creates())
	})
}

type unreadable struct {
	*gated[*corev1.ConfigMap]
	err error
}

func (u *unreadable) Get(ctx context.Context, key types.NamespacedName) (*corev1.ConfigMap, error) {
	if u.err != nil {
		return nil, u.err
	}
	return u.gated.Get(ctx, key)
}

// TestG6FirstTouchOfAWarmCacheIsLive has a cache that runs before the controller, and
// whose watch is behind. Kills: a first attempt that believes it.
func TestG6FirstTouchOfAWarmCacheIsLive(t *testing.T) {
	inBubble(t, func(b *harness) {
		g := gate(b.repo)
		b.watched = g
		var seen []int32
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			seen = append(seen, *d.Spec.Replicas)
			return controller.AwaitChange(), nil
		}
		b.make()
		other, err := b.c.Informer().Subscribe(b.t.Context(), deaf{})
		require.NoError(t, err)
		b.settle(time.Second)
		g.hold()
		b.edit("a", scale(2))
		b.run()
		b.settle(time.Second)
		require.Equal(t, []int32{2}, seen)
		g.release()
		b.settle(time.Minute)
		require.Equal(t, []int32{2}, seen, "the events about it are no news")
		b.stop()
		require.NoError(t, <-b.done)
		b.stop = nil
		require.NoError(t, other.Stop())
	}, held(1))
}

// held has the finalizer: adding it would be answered with the live object anyway.
func held(replicas int32) *deployment {
	d := newDeployment("a")
	d.Finalizers, d.Spec.Replicas = []string{ours}, new(replicas)
	return d
}

// deaf is a handler that does nothing.
type deaf struct {
	cache.TypedResourceEventHandlerFuncs[*deployment]
}

func (deaf) OnError(error) {}

// TestG6NoStateOlderThanOneGiven replays an old event of the same object. Kills: a
// snapshot that does not compare.
func TestG6NoStateOlderThanOneGiven(t *testing.T) {
	inBubble(t, func(b *harness) {
		late := watch.NewFake()
		b.watched = &replayed{b.repo, late}
		var seen []int32
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			seen = append(seen, *d.Spec.Replicas)
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Second)
		first := b.live("a").DeepCopy()
		b.edit("a", scale(2))
		late.Modify(b.live("a").DeepCopy())
		b.settle(time.Second)
		late.Modify(first)
		b.settle(time.Minute)
		b.c.Enqueue(nsName("a"))
		b.settle(time.Minute)
		require.Equal(t, []int32{1, 2}, seen[:2])
		require.NotContains(t, seen[2:], int32(1))
		require.GreaterOrEqual(t, len(seen), 3)
	}, func() *deployment { d := newDeployment("a"); d.Spec.Replicas = new(int32(1)); return d }())
}

// replayed is a repository whose only watch is the one given.
type replayed struct {
	repository.Repository[*deployment]
	watch *watch.FakeWatcher
}

func (r *replayed) ListerWatcher() cache.ListerWatcher {
	inner := cache.ToListerWatcherWithContext(r.Repository.ListerWatcher())
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: inner.ListWithContext,
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
			return r.watch, nil
		},
	}, noWatchList{})
}

// TestG8NewsOfAKnownStateEndsNothing has an attempt that read a new generation live,
// because it had to, before the event of it arrives. The event ends a backoff, as news
// does, and says nothing that the attempt did not know. Kills: a key that is dropped
// then, and with it the retry or the Requeue.
func TestG8NewsOfAKnownStateEndsNothing(t *testing.T) {
	for _, outcome := range []struct {
		action action
		err    error
	}{{controller.AwaitChange(), errBucket}, {controller.Requeue(time.Hour), nil}} {
		inBubble(t, func(b *harness) {
			g := b.loses(outcome.action, outcome.err)
			b.edit("a", scale(3))
			require.Equal(t, []string{"apply a"}, b.settle(100*time.Millisecond), "with the live state")
			g.release()
			b.settle(time.Millisecond)
			require.NotEmpty(t, b.settle(61*time.Minute), "%+v", outcome)
		}, newDeployment("a"))
	}
}

// TestG8AChildThatNobodySawGo has somebody delete a child that was just created, while
// no watch is open: the cache goes from before to after, and there is no event. Kills:
// waiting for one.
func TestG8AChildThatNobodySawGo(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, repo := b.children()
		first := watch.NewFake()
		lost := &losing{Live: repo, first: first}
		in, err := informer.New[*corev1.ConfigMap](lost, nil)
		require.NoError(t, err)
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			_, err := in.Get(ctx, nsName("c"))
			if !apierrors.IsNotFound(err) {
				return controller.AwaitChange(), err
			}
			_, err = repo.Create(ctx, child("c"))
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Watches(b.c, in, func(_, _ *corev1.ConfigMap) []types.NamespacedName { return []types.NamespacedName{nsName("a")} })
		b.run()
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		b.write(repo, "c", nil)
		expired := apierrors.NewResourceExpired("too old").Status()
		first.Error(&expired)
		calls := b.settle(time.Minute)
		require.NotEmpty(t, calls)
		require.Equal(t, 2, b.creates(), "%v", calls)
		require.Empty(t, b.settle(time.Hour))
	}, newDeployment("a"))
}

// losing is a repository whose first watch is the one given.
type losing struct {
	*repository.Live[*corev1.ConfigMap]
	first *watch.FakeWatcher
}

func (l *losing) ListerWatcher() cache.ListerWatcher {
	inner := cache.ToListerWatcherWithContext(l.Live.ListerWatcher())
	watches := 0
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: inner.ListWithContext,
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			if watches++; watches == 1 {
				return l.first, nil
			}
			return inner.WatchWithContext(ctx, opts)
		},
	}, noWatchList{})
}

// TestG19AWriteWithoutAnAnswerIsReadOnceAndForgotten: the answer to a creation is lost, and
// nobody ever asks for that name again, which was made up for one attempt. Kills: what stays
// for ever, with a timer, and what is read again and again.
func TestG19AWriteWithoutAnAnswerIsReadOnceAndForgotten(t *testing.T) {
	for name, outcome := range map[string]fault.Outcome{"stored": fault.CommitThenEOF(), "lost": fault.Drop()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				in, repo := b.children()
				var made atomic.Bool
				b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
					if made.Swap(true) {
						return controller.AwaitChange(), nil
					}
					_, err := repo.Create(ctx, child("once"))
					return controller.AwaitChange(), err
				}
				b.fail(fault.On("create", "configmaps").Times(1).Then(outcome))
				b.make()
				controller.Watches(b.c, in, nobody)
				b.run()
				b.settle(time.Hour)
				require.Equal(t, 1, b.gets("configmaps"))
				b.edit("a", scale(2))
				b.settle(time.Hour)
				require.Equal(t, 1, b.gets("configmaps"), "it is forgotten")
			}, newDeployment("a"))
		})
	}
}

// gets counts the objects that were read one by one.
func (b *harness) gets(resource string) (n int) {
	for _, r := range b.Requests() {
		if r.method == http.MethodGet && path.Base(path.Dir(r.url.Path)) == resource {
			n++
		}
	}
	return n
}
