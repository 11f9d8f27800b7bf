package queue_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/internal/queue"
)

const (
	base = 100 * time.Millisecond
	most = 10 * time.Second
)

// inBubble runs f with a queue in virtual time. That the bubble ends shows that
// nothing leaks.
func inBubble(t *testing.T, f func(t *testing.T, q queue.ByKey)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := queue.NewByKey(queue.Options[string]{Base: base, Max: most})
		defer q.ShutDown()
		f(t, q)
	})
}

// retry is a Failed that waits for the backoff.
func retry(backoff time.Duration, failures int) (time.Duration, string) {
	return backoff, "retry " + strconv.Itoa(failures)
}

// next returns the next key and its reasons, and how long it took to come.
func next(t *testing.T, q queue.ByKey) (key string, reasons []string, waited time.Duration) {
	t.Helper()
	start := time.Now()
	key, reasons, _, ok := q.Get()
	require.True(t, ok)
	return key, reasons, time.Since(start)
}

func TestReasonsAreMergedAndCapped(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		for i := range 11 {
			q.Add("a", strconv.Itoa(i), queue.Change)
		}
		key, reasons, more, ok := q.Get()
		require.True(t, ok)
		require.Equal(t, "a", key)
		require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7"}, reasons)
		require.Equal(t, 3, more)
		require.Zero(t, q.Len())
	})
}

// Keys that are enqueued for the same reason share what holds it. Kills: a reason of one key that others get, too.
func TestSharedReasonsAreEachKeysOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		for _, key := range []string{"a", "b", "c"} {
			q.Add(key, "enqueued", queue.Change)
		}
		_, first, _ := next(t, q)
		q.Add("b", "changed", queue.Change)
		q.Add("c", "deleted", queue.Change)
		_, second, _ := next(t, q)
		_, third, _ := next(t, q)
		require.Equal(t, []string{"enqueued"}, first)
		require.Equal(t, []string{"enqueued", "changed"}, second)
		require.Equal(t, []string{"enqueued", "deleted"}, third)
	})
}

// Kills: memory for each time that a known key is in line.
func TestTheUsualWayAllocatesNothing(t *testing.T) {
	q := queue.New[string, string, int](queue.Options[string]{Base: base, Max: most, Timed: true})
	defer q.ShutDown()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		q.Add("a", "enqueued", queue.Change)
		it, _, _, _ := q.Get()
		it.Keep = true
		q.Done(it)
	}))
}

func TestAddDuringWorkRunsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "first", queue.Change)
		next(t, q)
		q.Add("a", "second", queue.Change)
		require.Zero(t, q.Len(), "a key is given to one worker at a time")
		q.Forget("a")
		q.Done("a")
		_, reasons, waited := next(t, q)
		require.Equal(t, []string{"second"}, reasons)
		require.Zero(t, waited)
	})
}

// Kills: a backoff that does not grow, or has no end.
func TestG10BackoffGrowsPerFailureAndIsCapped(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "new", queue.Change)
		next(t, q)
		want := base
		for n := 1; n < 70; n++ {
			wait, failures := q.Failed("a", retry)
			require.Equal(t, n, failures)
			require.LessOrEqual(t, wait, want)
			require.GreaterOrEqual(t, wait, want*4/5, "jitter takes at most a fifth")
			q.Done("a")
			_, reasons, waited := next(t, q)
			require.Equal(t, wait, waited)
			require.Equal(t, []string{"retry " + strconv.Itoa(n)}, reasons)
			want = min(want*2, most)
		}
	})
}

func TestG10KeysThatFailTogetherDoNotRetryTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		waits := map[time.Duration]bool{}
		for i := range 20 {
			wait, _ := q.Failed(strconv.Itoa(i), retry)
			waits[wait] = true
		}
		require.Greater(t, len(waits), 10)
	})
}

// Kills: events that end a backoff, or count as failures.
func TestG10EventNoiseNeitherShortensNorInflatesTheBackoff(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "new", queue.Change)
		next(t, q)
		q.Add("a", "noise during the attempt", queue.Change)
		wait, _ := q.Failed("a", retry)
		q.Done("a")
		for range 20 {
			q.Add("a", "noise", queue.Change)
		}
		_, reasons, waited := next(t, q)
		require.Equal(t, wait, waited)
		require.Equal(t, "noise during the attempt", reasons[0])
		_, failures := q.Failed("a", retry)
		require.Equal(t, 2, failures)
		q.Done("a")
	})
}

// Kills: a new generation that waits for the backoff of the last; failures that are
// forgotten before somebody has looked whether the news is any; a failure whose retry is left
// to news that came meanwhile.
func TestG10NewsEndsTheWaitAndNotTheFailures(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "new", queue.Change)
		next(t, q)
		for _, weight := range []queue.Weight{queue.News, queue.Early} {
			_, failures := q.Failed("a", retry)
			require.Equal(t, 1, failures)
			q.Done("a")
			q.Add("a", "new generation", weight)
			_, _, waited := next(t, q)
			require.Zero(t, waited)
			q.Add("a", "and another, during the attempt", weight)
			_, failures = q.Failed("a", retry)
			require.Equal(t, 2, failures)
			q.Done("a")
			_, reasons, waited := next(t, q)
			require.Zero(t, waited)
			require.Equal(t, []string{"and another, during the attempt"}, reasons)
			q.Done("a") // who looks finds that it is not about what failed
			_, reasons, waited = next(t, q)
			require.NotZero(t, waited)
			require.Equal(t, []string{"retry 2"}, reasons)
			q.Hurry("a", true)
		}
		q.Done("a")
	})
}

func TestAfterReplacesAnOlderTimer(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.After("a", time.Minute, "minute")
		q.After("a", time.Hour, "hour")
		_, reasons, waited := next(t, q)
		require.Equal(t, time.Hour, waited)
		require.Equal(t, []string{"hour"}, reasons)
		q.After("a", time.Minute, "minute")
		q.Forget("a")
		q.Done("a")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Zero(t, q.Len(), "Forget ends the timer")
	})
}

func TestEventsDoNotWaitForATimer(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.After("a", time.Hour, "hour")
		q.Add("a", "event", queue.Change)
		_, reasons, waited := next(t, q)
		require.Zero(t, waited)
		require.Equal(t, []string{"event"}, reasons)
		q.Done("a")
		_, reasons, waited = next(t, q)
		require.Equal(t, time.Hour, waited, "and the timer is still there")
		require.Equal(t, []string{"hour"}, reasons)
	})
}

// Kills: a Requeue that was asked for before a failure and shortens its backoff.
func TestG10AFailureTakesThePlaceOfARequeue(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.After("a", time.Second, "second")
		q.Add("a", "event", queue.Change)
		next(t, q)
		wait, _ := q.Failed("a", func(time.Duration, int) (time.Duration, string) { return time.Minute, "late" })
		require.Equal(t, time.Minute, wait)
		q.Done("a")
		q.Add("a", "noise", queue.Change)
		_, reasons, waited := next(t, q)
		require.Equal(t, time.Minute, waited)
		require.Equal(t, []string{"noise", "late"}, reasons)
	})
}

// Kills: a worker that does not know of the failure, or the timer, that it has just made.
func TestForgetInTheSameTurn(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		for _, since := range []func(){
			func() { q.Failed("a", retry) },
			func() { q.After("a", time.Second, "timer") },
		} {
			q.Add("a", "event", queue.Change)
			next(t, q)
			since()
			q.Forget("a")
			q.Done("a")
			time.Sleep(time.Hour)
			require.Zero(t, q.Len())
			require.Zero(t, q.Items())
		}
	})
}

func TestG14ShutDownDropsWhatWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "working", queue.Change)
		next(t, q)
		q.Add("b", "waiting", queue.Change)
		q.After("c", time.Second, "timer")
		q.ShutDown()
		_, _, _, ok := q.Get()
		require.False(t, ok)
		q.Done("a")
		q.Add("d", "late", queue.News)
		q.After("e", time.Second, "late")
		time.Sleep(time.Minute)
		_, _, _, ok = q.Get()
		require.False(t, ok)
	})
}

// TestG1OneWorkerPerKey lets 64 workers fight for one key under 10,000 events.
// Kills: a queue that gives a key to two workers.
func TestG1OneWorkerPerKey(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		var busy, most, runs atomic.Int32
		for range 64 {
			go func() {
				for {
					key, _, _, ok := q.Get()
					if !ok {
						return
					}
					runs.Add(1)
					most.Store(max(most.Load(), busy.Add(1)))
					time.Sleep(time.Microsecond)
					busy.Add(-1)
					q.Forget(key)
					q.Done(key)
				}
			}()
		}
		for i := range 10_000 {
			q.Add("a", "event", queue.Weight(i%3))
			if i%10 == 0 {
				time.Sleep(time.Microsecond)
			}
		}
		synctest.Wait()
		require.EqualValues(t, 1, most.Load())
		require.Greater(t, runs.Load(), int32(100))
		q.ShutDown()
		time.Sleep(time.Second)
	})
}

func BenchmarkAddGetDone(b *testing.B) {
	q := queue.NewByKey(queue.Options[string]{Base: base, Max: most})
	defer q.ShutDown()
	b.ReportAllocs()
	for b.Loop() {
		q.Add("a", "event", queue.Change)
		key, _, _, _ := q.Get()
		q.Forget(key)
		q.Done(key)
	}
}
