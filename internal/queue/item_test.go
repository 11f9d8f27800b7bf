package queue_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/internal/queue"
)

// Kills: an item that stays although nobody needs it, a state that is lost.
func TestG19AnItemStaysAsLongAsItSaysSomething(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "event", queue.Change)
		it, _, _, _ := q.Queue.Get()
		it.Record, it.Keep = 7, true
		q.Queue.Done(it)
		require.Equal(t, 1, q.Items())

		q.Add("a", "event", queue.Change)
		it, _, _, _ = q.Queue.Get()
		require.Equal(t, 7, it.Record)
		it.Record, it.Keep = 0, false
		q.Queue.Failed(it, retry)
		q.Queue.Done(it)
		require.Equal(t, 1, q.Items(), "the failure")

		it, _, _, _ = q.Queue.Get()
		q.Add("a", "event", queue.Change)
		q.Queue.Forget(it)
		q.Queue.Done(it)
		require.Equal(t, 1, q.Items(), "the event")
		it, reasons, _, _ := q.Queue.Get()
		require.Equal(t, []string{"event"}, reasons)
		q.Queue.Done(it)
		require.Zero(t, q.Items())
	})
}

// TestG1OneItemPerKey forgets keys while they are being added. Kills: an item that
// is forgotten in the hands of a worker, one that is forgotten in the place of its
// successor.
func TestG1OneItemPerKey(t *testing.T) {
	q := queue.NewByKey(queue.Options[string]{Base: base, Max: most})
	keys := []string{"a", "b", "c"}
	busy := map[string]*atomic.Int32{}
	for _, key := range keys {
		busy[key] = &atomic.Int32{}
	}
	var workers, adders sync.WaitGroup
	var last sync.Map // reasons that were seen, by key
	for range 8 {
		workers.Go(func() {
			for {
				it, reasons, _, ok := q.Queue.Get()
				if !ok {
					return
				}
				if busy[it.Key].Add(1) != 1 {
					t.Error("two workers have one key")
				}
				for _, reason := range reasons {
					last.Store(it.Key+reason, true)
				}
				it.Record++ // the race detector looks
				it.Keep = it.Record%3 == 0
				q.Queue.Forget(it)
				time.Sleep(time.Microsecond)
				if it.Record%2 == 0 {
					q.Queue.After(it, time.Hour, "timer")
				}
				busy[it.Key].Add(-1)
				q.Queue.Done(it)
			}
		})
	}
	for range 4 {
		adders.Go(func() {
			for n := range 20_000 {
				q.Add(keys[n%len(keys)], "event", queue.Weight(n%3))
			}
		})
	}
	adders.Wait()
	for _, key := range keys {
		q.Add(key, "last", queue.Change)
	}
	require.Eventually(t, func() bool {
		for _, key := range keys {
			if _, seen := last.Load(key + "last"); !seen {
				return false
			}
		}
		return true
	}, time.Minute, time.Millisecond, "nothing is lost")
	q.ShutDown()
	workers.Wait()
}
