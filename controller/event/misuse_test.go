package event_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/test/fault"
)

type panics struct{ *corev1.ConfigMap }

func (panics) GetObjectKind() schema.ObjectKind { panic("no kind") }

type unknown struct{ corev1.ConfigMap }

// Whatever an operator does, recording returns, nothing is sent, and the log says why.
func TestG12RecordingNeverFails(t *testing.T) {
	object := configMap("a", "u", "1")
	cases := map[string]struct {
		record func(*event.Broadcaster)
		want   string
	}{
		"nil":                {func(e *event.Broadcaster) { e.Eventf(nil, nil, scaled, "n") }, "the object is nil"},
		"nil pointer":        {func(e *event.Broadcaster) { e.Eventf((*corev1.ConfigMap)(nil), nil, scaled, "n") }, "the object is nil"},
		"a method panics":    {func(e *event.Broadcaster) { e.Eventf(&panics{object}, nil, scaled, "n") }, "no kind"},
		"a type not known":   {func(e *event.Broadcaster) { e.Eventf(&unknown{*object}, nil, scaled, "n") }, "name *event_test.unknown: "},
		"no reason":          {func(e *event.Broadcaster) { e.Eventf(object, nil, event.Reason{}, "n") }, "the Reason was not made with Normal or Warning"},
		"a reason, no name":  {func(e *event.Broadcaster) { e.Eventf(object, nil, event.Normal("", "A"), "n") }, "the Reason has no name"},
		"a reason, too long": {func(e *event.Broadcaster) { e.Eventf(object, nil, event.Normal(strings.Repeat("R", 129), ""), "n") }, "has more than 128 bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, event.Options{}, func(t *testing.T, w *world) {
				w.during(func() { c.record(w.events) })
				require.Empty(t, w.all())
				said := w.logs.All()
				require.Len(t, said, 1)
				require.Equal(t, "event not recorded", said[0].Message)
				require.Contains(t, said[0].ContextMap()["error"], c.want)
			})
		})
	}
}

func TestABroadcasterThatDoesNotRun(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
		require.Equal(t, "the Broadcaster does not run", w.logs.All()[0].ContextMap()["error"])
		w.during(func() {
			require.ErrorContains(t, w.events.Run(t.Context()), "it is running already")
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, w.events.Run(ctx), "without runners it ends with its ctx")
	})
}

type panicking struct{ http.RoundTripper }

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("in the transport") }

// A client that panics ends neither the process nor what comes after.
func TestG12AClientThatPanics(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		core, logs := observer.New(zapcore.DebugLevel)
		cfg := rest.CopyConfig(w.cfg)
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return panicking{next} })
		events, err := event.New(cfg, scheme.Scheme, reporter, &event.Options{Logger: zap.New(core)})
		require.NoError(t, err)
		require.NoError(t, events.Run(t.Context(), runnerFunc(func(context.Context) error {
			events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
			return nil
		})))
		require.Equal(t, "Panic", logs.FilterMessage("event not sent").All()[0].ContextMap()["class"])
	})
}

// One that sends what is left runs still.
func TestRunTwice(t *testing.T) {
	inBubble(t, event.Options{}, func(t *testing.T, w *world) {
		require.NoError(t, w.faults.Add(fault.On("create", "events.events.k8s.io").Then(fault.Drop())))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.events.Run(ctx) }()
		synctest.Wait()
		w.events.Eventf(configMap("a", "u", "1"), nil, scaled, "n")
		cancel()
		time.Sleep(time.Second)
		require.ErrorContains(t, w.events.Run(t.Context()), "it is running already", "it still sends")
		require.NoError(t, <-done)
	})
}

func TestErrorsOfNew(t *testing.T) {
	cfg := &rest.Config{}
	for name, make := range map[string]func() (*event.Broadcaster, error){
		"make a Broadcaster of events: ": func() (*event.Broadcaster, error) { return event.New(nil, scheme.Scheme, reporter, nil) },
		"the scheme is nil":              func() (*event.Broadcaster, error) { return event.New(cfg, nil, reporter, nil) },
		`the name "" of the reporter`:    func() (*event.Broadcaster, error) { return event.New(cfg, scheme.Scheme, "", nil) },
		`the name "my op" of the report`: func() (*event.Broadcaster, error) { return event.New(cfg, scheme.Scheme, "my op", nil) },
		"Series is -1": func() (*event.Broadcaster, error) {
			return event.New(cfg, scheme.Scheme, reporter, &event.Options{Series: -1})
		},
		"host must be a URL": func() (*event.Broadcaster, error) {
			return event.New(&rest.Config{Host: "http://a b"}, scheme.Scheme, reporter, nil)
		},
	} {
		_, err := make()
		require.ErrorContains(t, err, name)
	}
}

func TestFakeRecorder(t *testing.T) {
	fake := &event.FakeRecorder{}
	fake.Eventf(configMap("a", "u", "1"), nil, broken, "%d things", 2)
	fake.Eventf(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}}, nil, scaled, strings.Repeat("x", 2000))
	fake.Eventf(nil, nil, scaled, "n")
	fake.Eventf(configMap("a", "u", "1"), nil, event.Reason{}, "n")
	all := fake.Events()
	require.Equal(t, "Warning Broken default/a: 2 things", all[0].String())
	require.Equal(t, "Normal Scaled team: "+strings.Repeat("x", 1021)+"…", all[1].String())
	require.Equal(t, "not recorded: the object is nil", all[2].String())
	require.ErrorContains(t, all[3].Err, "Normal or Warning")
	require.Equal(t, 1, fake.Count(broken))
}
