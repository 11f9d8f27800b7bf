package controller_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
)

// watcher is an observer that wants all there is.
type watcher struct {
	controller.ObserverFuncs
	mu      sync.Mutex
	all     []controller.Convergence
	running int
	stats   func() controller.Stats
}

func (w *watcher) Converged(c controller.Convergence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, c)
}

func (w *watcher) converged() []controller.Convergence {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}

func (w *watcher) Running(c controller.Introspector) (ended func()) {
	w.running++
	w.stats = c.Stats
	return func() { w.running-- }
}

// TestStatsShowWhereObjectsAre, one in each place where an object can be. Kills: numbers of
// another place, and those that stay when the object has gone on.
func TestStatsShowWhereObjectsAre(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, maps := b.children()
		b.opts.Workers = 1
		b.opts.Timeout = 2 * time.Minute
		w, hangs := &watcher{}, 5*time.Minute
		b.opts.Observer = w
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			switch d.Name {
			case "fails":
				return controller.AwaitChange(), errors.New("not yet")
			case "later":
				return controller.Requeue(10 * time.Hour), nil
			case "writes":
				_, err := maps.Create(ctx, child("c"))
				return controller.AwaitChange(), err
			case "hangs":
				time.Sleep(hangs) // whatever ctx says
			}
			return controller.AwaitChange(), nil
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		kind := b.repo.Kind()
		require.Equal(t, controller.Stats{Controller: "deployment", Kind: kind, Workers: 1}, b.c.Stats(), "it does not run yet")
		b.run()
		b.settle(time.Second)
		require.Equal(t, 1, w.running)
		s := w.stats()
		require.True(t, s.Running)
		require.True(t, s.Ready)
		require.Equal(t, []informer.Stats{{Kind: kind, Objects: 3, Full: true}, {Kind: configMapKind, Full: true}}, s.Caches)
		require.Equal(t, []int{0, 0, 1, 1}, []int{s.Queued, s.Background, s.Retrying, s.Requeued})
		require.Empty(t, s.Parked)
		require.Empty(t, s.Attempts)
		require.Positive(t, s.Echoes, "the finalizers")
		require.GreaterOrEqual(t, s.Adds, uint64(6))

		b.Watches("configmaps").Hold()
		b.create("writes")
		b.settle(time.Second)
		b.c.Enqueue(nsName("writes"))
		b.settle(3 * time.Second)
		s = w.stats()
		require.Equal(t, []controller.Parked{{Why: controller.ParkedStale, Objects: 1, Longest: 3 * time.Second}}, s.Parked)
		b.Watches("configmaps").Release()
		b.settle(time.Second)
		require.Empty(t, w.stats().Parked)

		b.create("hangs")
		b.settle(time.Second)
		b.create("waits")
		b.settle(4*time.Minute - time.Second)
		s = w.stats()
		require.Len(t, s.Attempts, 1)
		require.Equal(t, nsName("hangs"), s.Attempts[0].Key)
		require.Equal(t, 4*time.Minute, time.Since(s.Attempts[0].Start))
		require.Equal(t, "Deployment ns/hangs added", withoutRV(s.Attempts[0].Reasons[0]))
		require.Equal(t, 1, s.Stuck)
		require.Positive(t, s.Queued)
		b.settle(10 * time.Minute)
		require.Zero(t, w.stats().Queued)

		hangs = 0
		adds := w.stats().Adds
		b.stop()
		require.NoError(t, <-b.done)
		require.Zero(t, w.running)
		s = b.c.Stats()
		require.Equal(t, controller.Stats{Controller: "deployment", Kind: kind, Workers: 1, Adds: adds, Echoes: s.Echoes}, s, "what is counted stays")
		b.run()
		b.settle(time.Second)
		require.Greater(t, b.c.Stats().Adds, adds)
	}, newDeployment("a"), newDeployment("fails"), newDeployment("later"))
}

// TestAttemptsTellHowLongTheyWaited: for a worker, for a cache, and what they wrote. Kills: a
// wait for a worker that counts the wait for the cache, and writes without their kind.
func TestAttemptsTellHowLongTheyWaited(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, maps := b.children()
		b.opts.Workers = 1
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			time.Sleep(time.Second)
			if d.Name == "b" {
				return controller.AwaitChange(), nil
			}
			_, err := maps.Apply(ctx, child("of-"+d.Name), "tests")
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		b.settle(time.Minute)
		b.took()
		b.create("a")
		b.create("b")
		b.settle(time.Minute)
		attempts := b.took()
		require.Len(t, attempts, 2)
		require.Zero(t, attempts[0].Queued)
		require.Equal(t, map[kerr.Op]int{kerr.OpPatch: 1, kerr.OpServerSideApply: 1}, attempts[0].WritesBy)
		require.Equal(t, time.Second, attempts[1].Queued)
		require.Equal(t, map[kerr.Op]int{kerr.OpPatch: 1}, attempts[1].WritesBy)

		b.Watches("configmaps").Hold()
		b.create("c")
		b.settle(2 * time.Second)
		b.took()
		b.c.Enqueue(nsName("c"))
		b.settle(2500 * time.Millisecond)
		b.Watches("configmaps").Release()
		b.settle(time.Minute)
		attempts = b.took()
		require.Len(t, attempts, 1)
		require.Zero(t, attempts[0].Queued)
		require.Equal(t, 2500*time.Millisecond, attempts[0].Parked)
		require.Nil(t, attempts[0].WritesBy, "it is applied already")
	})
}

// TestConvergenceIsWhatUsersWaitFor: from the event of a new generation to the success, over
// failures, and nothing for what was there before, for retries, or for children. Kills: a clock
// that begins again with each attempt, and one that nobody started.
func TestConvergenceIsWhatUsersWaitFor(t *testing.T) {
	inBubble(t, func(b *harness) {
		w, failing := &watcher{}, atomic.Bool{}
		b.opts.Observer = w
		b.opts.MinBackoff = time.Minute
		b.opts.MaxBackoff = time.Minute
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			time.Sleep(time.Second)
			if failing.Load() {
				return controller.AwaitChange(), errors.New("not yet")
			}
			return controller.Requeue(time.Hour), nil
		}
		b.start()
		b.settle(3 * time.Hour)
		require.Empty(t, w.converged(), "it was there before")

		b.edit("a", scale(2))
		b.settle(time.Minute)
		require.Equal(t, []controller.Convergence{{Controller: "deployment", Key: nsName("a"), UID: b.live("a").UID, After: time.Second}}, w.converged())
		b.settle(3 * time.Hour)
		require.Len(t, w.converged(), 1, "timers ask for nothing")

		failing.Store(true)
		b.edit("a", scale(3))
		b.settle(time.Second * 30)
		b.edit("a", scale(4))
		b.settle(5 * time.Minute)
		failing.Store(false)
		start := time.Now()
		b.settle(time.Hour)
		require.Len(t, w.converged(), 2)
		after := w.converged()[1].After
		require.Greater(t, after, 5*time.Minute+30*time.Second, "since the first of the two")
		require.Less(t, after, 7*time.Minute+30*time.Second)
		require.Greater(t, time.Since(start), time.Minute)
	}, newDeployment("a"))
}

// TestConvergenceOfADeletion is over when the object is gone, whoever kept it. Kills: one that
// ends with our Cleanup.
func TestConvergenceOfADeletion(t *testing.T) {
	other := newDeployment("a")
	other.Finalizers = []string{"example.com/other"}
	inBubble(t, func(b *harness) {
		w := &watcher{}
		b.opts.Observer = w
		b.start()
		b.settle(time.Minute)
		uid := b.live("a").UID
		b.delete("a")
		require.Equal(t, []string{"cleanup a"}, b.settle(time.Minute))
		require.Empty(t, w.converged())
		b.edit("a", func(d *deployment) { d.Finalizers = nil })
		b.settle(time.Second)
		require.Equal(t, []controller.Convergence{{Controller: "deployment", Key: nsName("a"), UID: uid, Deleted: true, After: time.Minute}}, w.converged())
	}, other)
}

// bad panics wherever it is asked.
type bad struct{ controller.ObserverFuncs }

func (bad) Converged(controller.Convergence)               { panic("in Converged") }
func (bad) Running(controller.Introspector) (ended func()) { panic("in Running") }

// TestG12AnObserverThatPanicsElsewhere harms nobody. Kills: a call without a recover.
func TestG12AnObserverThatPanicsElsewhere(t *testing.T) {
	inBubble(t, func(b *harness) {
		w := &watcher{}
		b.opts.Observer = controller.Observers(bad{}, w)
		b.start()
		b.settle(time.Minute)
		b.create("a")
		b.settle(time.Minute)
		require.Equal(t, 1, w.running)
		require.Len(t, w.converged(), 1)
		require.Equal(t, 2, b.logs.FilterMessage("Options.Observer panicked").Len())
	})
}
