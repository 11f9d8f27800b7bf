package queue

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestG14ShutDownStopsTheTimers, which would keep the queue in memory until they are
// due: minutes, for a backoff. Kills: timers that fire and find the queue closed.
func TestG14ShutDownStopsTheTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New[string, string, struct{}](Options[string]{Base: time.Second, Max: time.Minute})
		taken := func(key string) *Item[string, string, struct{}] {
			q.Add(key, "event", Change)
			it, _, _, ok := q.Get()
			require.True(t, ok)
			return it
		}
		later, held := taken("later"), taken("held")
		q.After(later, time.Hour, "timer")
		q.Hold(held, []string{"event"}, 0, time.Hour, false, "test")
		timer, hold := later.pending.timer.Timer, held.pending.hold.Timer
		q.Done(later)
		q.Done(held)
		q.ShutDown()
		require.False(t, timer.Stop(), "it was stopped before")
		require.False(t, hold.Stop(), "it was stopped before")
	})
}
