package event_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/controller/event"
)

// An object that changes has one event for what is told again and again: its resourceVersion is no part of
// the reference. The count is written at the second one and when the series ends, not each time.
func TestS7TheSameIsOneEvent(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		before := w.server.RV()
		w.during(func() {
			for i := range 5 {
				w.events.Eventf(configMap("a", "u1", string(rune('1'+i))), nil, scaled, "to %d", i)
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			e := w.one()
			require.Equal(t, corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: "default", Name: "a", UID: "u1"}, e.Regarding)
			require.Equal(t, "to 0", e.Note)
			require.Equal(t, int32(2), count(e))
			require.Equal(t, [4]string{"Normal", "Scaled", "Scale", reporter}, [4]string{e.Type, e.Reason, e.Action, e.ReportingController})
			time.Sleep(15 * time.Minute)
			require.Equal(t, int32(5), count(w.one()), "the end of the series is written")
			require.Equal(t, before+3, w.server.RV(), "three writes in all")

			w.events.Eventf(configMap("a", "u1", "9"), nil, scaled, "to 9")
		})
		require.Len(t, w.all(), 2, "after the end, another series begins")
	})
}

// What differs in one of these is another event.
func TestWhatIsAnotherEvent(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		w.during(func() {
			for range 2 {
				w.events.Eventf(configMap("a", "u1", "1"), nil, scaled, "n")
				time.Sleep(time.Second)
				w.events.Eventf(configMap("a", "u2", "1"), nil, scaled, "the same name, another object")
				time.Sleep(time.Second)
				w.events.Eventf(configMap("a", "u1", "1"), nil, broken, "another reason")
				time.Sleep(time.Second)
				w.events.Eventf(configMap("a", "u1", "1"), configMap("b", "u3", "7"), scaled, "another related object")
				time.Sleep(time.Second)
			}
		})
		all := w.all()
		require.Len(t, all, 4)
		for _, e := range all {
			require.Equal(t, int32(2), count(&e))
		}
		require.Equal(t, "Broken", all[0].Action, "the name of a reason without an action")
	})
}

// What the last attempts tell arrives: the Broadcaster ends after them.
func TestG14TheLastEventArrives(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		w.during(func() {
			for i := range 50 {
				w.events.Eventf(configMap(string(rune('A'+i)), "u", "1"), nil, scaled, "bye")
			}
		})
		require.Len(t, w.all(), 50)
		w.during(func() { w.events.Eventf(configMap("again", "u", "1"), nil, scaled, "it runs again") })
		require.Len(t, w.all(), 51)
	})
}
