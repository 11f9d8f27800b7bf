package event_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/test/fault"
)

// The API server takes at most 1,024 bytes; what is cut is cut between characters.
func TestS3NotesAreCut(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		for _, note := range []string{strings.Repeat("x", 1024), strings.Repeat("x", 1025), strings.Repeat("é", 600), "x" + strings.Repeat("€", 400), "not UTF-8: \xff", "100%"} {
			w.during(func() { w.events.Eventf(configMap("a", "u1", "1"), nil, scaled, note) })
			e := w.one()
			require.True(t, utf8.ValidString(e.Note))
			require.LessOrEqual(t, len(e.Note), 1024)
			require.Greater(t, len(e.Note), min(len(note), 1018)-1)
			if len(note) <= 1024 && utf8.ValidString(note) {
				require.Equal(t, note, e.Note)
			}
			require.NoError(t, w.client.Events("default").Delete(t.Context(), e.Name, metav1.DeleteOptions{}))
		}
	})
}

// A name of an object that is as long as it can be, and a host with a long name, are no reason to lose an event.
func TestS3LongNames(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		long := strings.Repeat("example.", 8) + "/" + strings.Repeat("x", 63)
		long = strings.Replace(long, "./", "/", 1)
		events, err := event.New(w.cfg, scheme.Scheme, long, nil)
		require.NoError(t, err)
		require.NoError(t, events.Run(t.Context(), runnerFunc(func(context.Context) error {
			events.Eventf(configMap(strings.Repeat("n", 253), "u1", "1"), nil, scaled, "n")
			time.Sleep(time.Second)
			if err := w.client.Events("default").Delete(t.Context(), w.one().Name, metav1.DeleteOptions{}); err != nil {
				return err
			}
			events.Eventf(configMap(strings.Repeat("n", 253), "u1", "1"), nil, scaled, "its count makes it anew")
			return nil
		})))
		require.LessOrEqual(t, len(w.one().ReportingInstance), 128)
	})
}

// An API server that does not answer costs neither goroutines nor memory for each event, and no time of who
// records. What is too much is dropped, and that is logged.
func TestG19AServerThatDoesNotAnswer(t *testing.T) {
	inBubble(t, event.Options{Series: 100}, func(t *testing.T, w *world) {
		require.NoError(t, w.faults.Add(fault.On("create", "events.events.k8s.io").Then(fault.NotSent())))
		w.during(func() {
			before := runtime.NumGoroutine()
			for i := range 2000 {
				w.events.Eventf(configMap(fmt.Sprint("a", i), "u", "1"), nil, broken, "n")
			}
			time.Sleep(time.Second)
			require.LessOrEqual(t, runtime.NumGoroutine(), before+20)
			dropped := w.logs.FilterMessage("event not recorded").All()
			require.Len(t, dropped, 1, "and once a minute")
			require.Equal(t, "too many events wait to be sent", dropped[0].ContextMap()["error"])
			w.faults.Clear()
			time.Sleep(time.Minute)
			require.Len(t, w.all(), 100)
		})
	})
}

// Who cannot reach the server at the end does not end later for it.
func TestG14EventsDoNotHoldUpTheEnd(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		require.NoError(t, w.faults.Add(fault.On("create", "events.events.k8s.io").Then(fault.Drop())))
		began := time.Now()
		w.during(func() { w.events.Eventf(configMap("a", "u", "1"), nil, broken, "n") })
		require.LessOrEqual(t, time.Since(began), 6*time.Second)
		require.Equal(t, 1, w.logs.FilterMessage("event not sent").Len())
	})
}

// What passes is tried again; what does not, is not, and the next event arrives all the same.
func TestG15EventsAreSentAgain(t *testing.T) {
	create := func() *fault.Rule { return fault.On("create", "events.events.k8s.io").Nth(1) }
	for name, rule := range map[string]*fault.Rule{
		"not sent": create().Then(fault.NotSent()), "the answer is lost": create().Then(fault.CommitThenEOF()),
		"unavailable": create().Then(fault.Unavailable(time.Second)), "an internal error": create().Then(fault.InternalError()),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, event.Options{}, func(t *testing.T, w *world) {
				require.NoError(t, w.faults.Add(rule))
				w.during(func() {
					w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
					time.Sleep(10 * time.Second)
				})
				require.Equal(t, int32(1), count(w.one()))
				require.Zero(t, w.logs.Len())
			})
		})
	}
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		require.NoError(t, w.faults.Add(create().Then(fault.Forbidden())))
		w.during(func() {
			w.events.Eventf(configMap("refused", "u", "1"), nil, scaled, "n")
			time.Sleep(time.Second)
			w.events.Eventf(configMap("next", "u", "1"), nil, scaled, "n")
			w.events.Eventf(configMap("refused", "u", "1"), nil, scaled, "it is not tried again at once")
			time.Sleep(time.Minute)
		})
		require.Equal(t, "next", w.one().Regarding.Name)
		refused := w.logs.FilterMessage("event not sent").All()
		require.Len(t, refused, 1)
		require.Equal(t, "Forbidden", refused[0].ContextMap()["class"])
	})
}

// An event lives for an hour on the server. A count that comes later makes it anew.
func TestG15ACountWhoseEventIsGone(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		w.during(func() {
			w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
			time.Sleep(time.Second)
			require.NoError(t, w.client.Events("default").Delete(t.Context(), w.one().Name, metav1.DeleteOptions{}))
			w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
			time.Sleep(time.Second)
			require.Equal(t, int32(2), count(w.one()))
		})
	})
}

// An object without a namespace has its events in "default".
func TestAnObjectWithoutANamespace(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		w.during(func() {
			w.events.Eventf(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team", UID: "u"}}, nil, scaled, "n")
		})
		require.Equal(t, "default", w.one().Namespace)
	})
}
