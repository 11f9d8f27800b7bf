package event_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/test/fault"
)

// A namespace in which events are refused for the moment, or take long, delays no event of another.
func TestS7OneNamespaceDoesNotHoldUpAnother(t *testing.T) {
	for name, outcome := range map[string]fault.Outcome{"too many requests": fault.TooManyRequests(time.Minute), "slow": fault.Delay(time.Second)} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, event.Options{}, func(t *testing.T, w *world) {
				require.NoError(t, w.server.AddNamespace("noisy"))
				require.NoError(t, w.faults.Add(fault.On("create", "events.events.k8s.io").In("noisy").Then(outcome)))
				w.during(func() {
					for i := range 100 {
						cm := configMap(fmt.Sprint("a", i), "u", "1")
						cm.Namespace = "noisy"
						w.events.Eventf(cm, nil, broken, "n")
					}
					w.events.Eventf(configMap("victim", "u", "1"), nil, broken, "n")
					time.Sleep(3 * time.Second)
					there := false
					for _, e := range w.all() {
						there = there || e.Regarding.Name == "victim"
					}
					require.True(t, there)
					w.faults.Clear()
					time.Sleep(3 * time.Minute)
				})
				require.Len(t, w.all(), 101)
			})
		})
	}
}

// A server that asks to come back later is asked a few times for an event, not some for each time.
func TestS7RequestsOfOneEvent(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		require.NoError(t, w.faults.Add(fault.On("create", "events.events.k8s.io").Then(fault.Unavailable(time.Second))))
		w.during(func() {
			w.events.Eventf(configMap("a", "u", "1"), nil, broken, "n")
			time.Sleep(10 * time.Minute)
		})
		require.Len(t, w.faults.Log(), 8)
		require.Equal(t, 1, w.logs.FilterMessage("event not sent").Len())
	})
}

// Two things that are told of an object in one instant are two Events, also in virtual time.
func TestTwoReasonsAtOnce(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		w.during(func() {
			w.events.Eventf(configMap("a", "u", "1"), nil, broken, "n")
			w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
		})
		require.Len(t, w.all(), 2)
	})
}

// Series that end together, and those that Run ends, have their whole counts on the server.
func TestG15CountsAreNotLost(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		record := func(times int, name string) {
			for i := range times {
				w.events.Eventf(configMap(name, "u", "1"), nil, scaled, "%d", i)
			}
		}
		w.during(func() {
			for range 4 {
				for i := range 300 {
					record(1, fmt.Sprint("a", i))
				}
				time.Sleep(time.Second)
			}
			time.Sleep(10 * time.Minute)
			all := w.all()
			require.Len(t, all, 300)
			for _, e := range all {
				require.Equal(t, int32(4), count(&e))
			}
			for range 50 {
				record(1, "last")
				time.Sleep(time.Second)
			}
		})
		for _, e := range w.all() {
			if e.Regarding.Name == "last" {
				require.Equal(t, int32(50), count(&e))
			}
		}
	})
}

// Whatever is recorded in a burst arrives, or is logged.
func TestG19ABurst(t *testing.T) {
	inBubble(t, event.Options{Series: 500}, func(t *testing.T, w *world) {
		w.during(func() {
			for i := range 3000 {
				w.events.Eventf(configMap(fmt.Sprint("a", i), "u", "1"), nil, scaled, "n")
			}
			synctest.Wait()
		})
		arrived := len(w.all())
		require.GreaterOrEqual(t, arrived, 500)
		if arrived < 3000 {
			require.Equal(t, 1, w.logs.FilterMessage("event not recorded").Len())
		}
	})
}

// A warning that could not be sent during an outage is seen soon after it.
func TestG15AWarningAfterAnOutage(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		require.NoError(t, w.faults.Add(fault.On("create", "events.events.k8s.io").Then(fault.NotSent())))
		w.during(func() {
			for range 2 {
				w.events.Eventf(configMap("a", "u", "1"), nil, broken, "n")
				time.Sleep(4 * time.Minute)
			}
			w.faults.Clear()
			for range 3 {
				w.events.Eventf(configMap("a", "u", "1"), nil, broken, "n")
				time.Sleep(4 * time.Minute)
			}
			require.GreaterOrEqual(t, count(w.one()), int32(3))
		})
	})
}

// Six minutes without one end a series, and not more.
func TestASeriesEndsInTime(t *testing.T) {
	for gap, events := range map[time.Duration]int{359 * time.Second: 1, 361 * time.Second: 2} {
		inBubble(t, event.Options{}, func(t *testing.T, w *world) {
			w.during(func() {
				w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
				time.Sleep(gap)
				w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
			})
			require.Len(t, w.all(), events)
		})
	}
}

// A series that goes on for long stays on the server, which forgets an Event an hour after its last write.
func TestASeriesThatGoesOn(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		w.during(func() {
			before := w.server.RV()
			for range 240 {
				w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
				time.Sleep(time.Minute)
			}
			require.Greater(t, count(w.one()), int32(200))
			require.LessOrEqual(t, w.server.RV()-before, uint64(10))
		})
	})
}
