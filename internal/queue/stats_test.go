package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/internal/queue"
)

type item = queue.Item[string, string, struct{}]

// timed runs f with a queue that looks at the clock.
func timed(t *testing.T, f func(q *queue.Queue[string, string, struct{}], get func() *item)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := queue.New[string, string, struct{}](queue.Options[string]{Base: time.Second, Max: time.Minute, Timed: true})
		defer q.ShutDown()
		f(q, func() *item {
			it, _, _, ok := q.Get()
			require.True(t, ok)
			return it
		})
	})
}

// TestStatsCountWhatIsWhere follows keys through the queue. Kills: numbers that only grow, and
// keys that are counted twice.
func TestStatsCountWhatIsWhere(t *testing.T) {
	timed(t, func(q *queue.Queue[string, string, struct{}], get func() *item) {
		q.Add("live", "event", queue.Change)
		q.Add("live", "another event", queue.News)
		q.Add("listed", "list", queue.Background)
		require.Equal(t, queue.Stats{Ready: 2, Background: 1, Adds: 2}, q.Stats())

		live, listed := get(), get()
		require.Equal(t, queue.Stats{Adds: 2}, q.Stats(), "what is worked on is not in the queue")

		q.Failed(live, func(backoff time.Duration, _ int) (time.Duration, string) { return time.Minute, "retry" })
		q.After(listed, time.Hour, "requeue")
		q.Done(live)
		q.Done(listed)
		require.Equal(t, queue.Stats{Retrying: 1, Timed: 1, Adds: 2}, q.Stats())

		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, queue.Stats{Ready: 1, Timed: 1, Adds: 3}, q.Stats(), "a timer that fired is none")
		live = get()
		q.After(live, time.Hour, "requeue")
		q.After(live, 2*time.Hour, "requeue")
		require.Equal(t, queue.Stats{Timed: 2, Adds: 3}, q.Stats(), "a timer takes the place of another")
		q.Forget(live)
		q.Done(live)
		require.Equal(t, queue.Stats{Timed: 1, Adds: 3}, q.Stats())
		q.ShutDown()
		require.Equal(t, queue.Stats{Adds: 3}, q.Stats())
	})
}

// TestStatsOfHeldKeys by why they are held, and for how long: since the first hold in a row.
// Kills: a wait that begins again each time that the key is looked at.
func TestStatsOfHeldKeys(t *testing.T) {
	timed(t, func(q *queue.Queue[string, string, struct{}], get func() *item) {
		for _, key := range []string{"a", "b"} {
			q.Add(key, "event", queue.Change)
			it := get()
			q.Hold(it, []string{"event"}, 0, 2500*time.Millisecond, false, "one")
			q.Done(it)
			time.Sleep(time.Second)
		}
		require.Equal(t, map[string]queue.Held{"one": {Keys: 2, Longest: 2 * time.Second}}, q.Stats().Held)

		time.Sleep(500 * time.Millisecond)
		again := get()
		require.Equal(t, "a", again.Key)
		require.Equal(t, map[string]queue.Held{"one": {Keys: 1, Longest: 1500 * time.Millisecond}}, q.Stats().Held)
		q.Hold(again, []string{"event"}, 0, 5*time.Second, false, "other")
		q.Done(again)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, map[string]queue.Held{"other": {Keys: 1, Longest: 3500 * time.Millisecond}}, q.Stats().Held)

		q.Done(get())
		q.Wake("a", "caught up")
		require.Empty(t, q.Stats().Held)
		time.Sleep(time.Second) // for a worker
		it, start := get(), time.Now()
		ready, held, since := q.Waited(it)
		require.Equal(t, time.Second, start.Sub(ready))
		require.Equal(t, 3500*time.Millisecond, held)
		require.Equal(t, 4500*time.Millisecond, start.Sub(since), "it was ready at once, and then held")
		q.Done(it)

		q.Add("a", "event", queue.Change)
		it = get()
		_, held, _ = q.Waited(it)
		require.Zero(t, held, "what was held once is not held for ever")
		q.Done(it)
	})
}

// Kills: a key counted as in line that waits for its backoff, or for the end of a hold, while its worker is about to be done;
// a time before it was held that is negative.
func TestWhatWaitsIsNotInLine(t *testing.T) {
	timed(t, func(q *queue.Queue[string, string, struct{}], get func() *item) {
		q.Add("a", "event", queue.Change)
		it := get()
		q.Add("a", "another", queue.Change)
		q.Failed(it, func(time.Duration, int) (time.Duration, string) { return time.Minute, "retry" })
		at, _ := q.Look("a")
		require.False(t, at.Ready)
		q.Done(it)
		it = get()
		require.Equal(t, uint64(2), q.Stats().Adds)

		q.Add("a", "during the work", queue.Change)
		time.Sleep(time.Second)
		q.Hold(it, []string{"retry"}, 0, time.Minute, false, "stale")
		at, _ = q.Look("a")
		require.False(t, at.Ready)
		q.Wake("a", "caught up")
		q.Done(it)
		_, held, _ := q.Waited(get())
		require.GreaterOrEqual(t, held, time.Duration(0))
	})
}
