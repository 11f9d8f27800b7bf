package controller_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// ofSources returns the errors of sources since the last call.
func (b *harness) ofSources() (errs []error) {
	for _, t := range b.troubled() {
		if t.Op == kerr.OpSource {
			errs = append(errs, t.Err)
		}
	}
	return errs
}

// Kills: a source that is not called, before the caches are full, or whose word is lost.
func TestSourceSaysWhatToReconcile(t *testing.T) {
	inBubble(t, func(b *harness) {
		changed := make(chan types.NamespacedName)
		b.make()
		var full atomic.Bool
		b.c.Source(func(ctx context.Context, enqueue func(types.NamespacedName)) error {
			_, ok := b.c.Informer().View(nsName("a"))
			full.Store(ok)
			for {
				select {
				case key := <-changed:
					enqueue(key)
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
		b.run()
		b.settle(time.Minute)
		require.True(t, full.Load(), "the caches are full when it is called")
		b.took()
		changed <- nsName("b")
		require.Equal(t, []string{"apply b"}, b.settle(time.Minute))
		require.Equal(t, []controller.Reason{{Verb: controller.VerbEnqueued}}, b.took()[0].Reasons)
		changed <- nsName("nobody")
		require.Empty(t, b.settle(time.Hour))
		b.stop()
		require.NoError(t, <-b.done)
		require.Empty(t, b.ofSources(), "its end with its ctx is no trouble")
		b.run() // again
		b.settle(time.Minute)
		changed <- nsName("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
	}, newDeployment("a"), newDeployment("b"))
}

// Kills: a source that fails once and is never heard of again, or is called in a busy loop.
func TestG12SourceThatEndsIsReportedAndCalledAgain(t *testing.T) {
	for what, end := range map[string]func() error{
		"an error":       func() error { return errors.New("no connection") },
		"a panic":        func() error { panic("in the source") },
		"Goexit":         func() error { runtime.Goexit(); return nil },
		"an early end":   func() error { return nil },
		"a broken error": func() error { return (*broken)(nil) },
	} {
		t.Run(what, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				var calls atomic.Int32
				var works atomic.Bool
				b.make()
				b.c.Source(func(ctx context.Context, enqueue func(types.NamespacedName)) error {
					calls.Add(1)
					if works.Load() {
						enqueue(nsName("a"))
						<-ctx.Done()
						return nil
					}
					return end()
				})
				b.run()
				b.settle(time.Hour)
				require.Greater(t, calls.Load(), int32(15))
				require.Less(t, calls.Load(), int32(40), "100 ms, doubling to 5 min")
				errs := b.ofSources()
				require.Len(t, errs, int(calls.Load()))
				require.ErrorContains(t, errs[0], "run source Deployment")
				works.Store(true)
				require.Equal(t, []string{"apply a"}, b.settle(10*time.Minute), "it works again")
				require.Empty(t, b.ofSources())
			}, newDeployment("a"))
		})
	}
}

// broken is an error whose own method panics if it is nil.
type broken struct{ text string }

func (b *broken) Error() string { return b.text }

// Kills: a backoff that remembers for ever.
func TestSourceThatWorkedForLongIsCalledAgainSoon(t *testing.T) {
	inBubble(t, func(b *harness) {
		var began []time.Time
		b.make()
		b.c.Source(func(context.Context, func(types.NamespacedName)) error {
			if began = append(began, time.Now()); len(began) == 20 {
				time.Sleep(time.Hour)
			}
			return errors.New("no connection")
		})
		b.run()
		b.settle(6 * time.Hour)
		require.LessOrEqual(t, began[20].Sub(began[19]), time.Hour+100*time.Millisecond)
		require.Greater(t, began[19].Sub(began[18]), time.Minute)
	})
}

// Kills: a source that keeps Run for ever, or that a second Run calls beside itself.
func TestG14SourceThatIgnoresItsContext(t *testing.T) {
	inBubble(t, func(b *harness) {
		leave := make(chan struct{})
		var running, most atomic.Int32
		b.make()
		b.c.Source(func(ctx context.Context, _ func(types.NamespacedName)) error {
			now := running.Add(1)
			most.Store(max(most.Load(), now))
			defer running.Add(-1)
			<-leave
			<-ctx.Done()
			return nil
		})
		b.run()
		b.settle(time.Minute)
		began := time.Now()
		b.stop()
		require.ErrorContains(t, <-b.done, "a source ignores its context")
		require.Equal(t, 5*time.Second, time.Since(began))
		b.run()
		b.settle(time.Minute)
		require.EqualValues(t, 1, running.Load())
		close(leave)
		b.settle(time.Minute)
		require.EqualValues(t, 1, running.Load(), "that of the second Run")
		require.EqualValues(t, 1, most.Load(), "not twice at once")
	})
}
