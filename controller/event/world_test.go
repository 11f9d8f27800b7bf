package event_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	typedeventsv1 "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

const reporter = "example.com/tests"

var (
	scaled = event.Normal("Scaled", "Scale")
	broken = event.Warning("Broken", "")
)

// world is a simulated API server with a Broadcaster of events, in virtual time.
type world struct {
	t      *testing.T
	server *sim.Server
	faults *fault.Injector
	cfg    *rest.Config
	client typedeventsv1.EventsV1Interface // that no fault hits
	events *event.Broadcaster
	logs   *observer.ObservedLogs
}

func inBubble(t *testing.T, opts event.Options, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		var err error
		w.server, err = sim.New(sim.Options{Kinds: sim.Core("configmaps", "events", "events.events.k8s.io", "namespaces")})
		require.NoError(t, err)
		defer w.server.Close()
		w.faults, err = fault.New()
		require.NoError(t, err)
		w.cfg = w.faults.Config(w.server.Config())
		w.client, err = typedeventsv1.NewForConfig(w.server.Config())
		require.NoError(t, err)
		core, logs := observer.New(zapcore.DebugLevel)
		opts.Logger, w.logs = zap.New(core), logs
		w.events, err = event.New(w.cfg, scheme.Scheme, reporter, &opts)
		require.NoError(t, err)
		f(t, w)
	})
}

// during runs the Broadcaster while f runs.
func (w *world) during(f func()) {
	w.t.Helper()
	over, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- w.events.Run(w.t.Context(), runnerFunc(func(context.Context) error { <-over; return nil }))
	}()
	synctest.Wait()
	defer func() { require.NoError(w.t, <-ended) }()
	defer close(over)
	f()
}

type runnerFunc func(context.Context) error

func (f runnerFunc) Run(ctx context.Context) error { return f(ctx) }

var _ controller.Runner = runnerFunc(nil)

// all are the events on the server, by their reason and the name of their object.
func (w *world) all() []eventsv1.Event {
	w.t.Helper()
	list, err := w.client.Events("").List(w.t.Context(), metav1.ListOptions{})
	require.NoError(w.t, err)
	slices.SortFunc(list.Items, func(a, b eventsv1.Event) int {
		return strings.Compare(a.Reason+a.Regarding.Name, b.Reason+b.Regarding.Name)
	})
	return list.Items
}

// one is the only event on the server.
func (w *world) one() *eventsv1.Event {
	w.t.Helper()
	all := w.all()
	require.Len(w.t, all, 1)
	return &all[0]
}

func configMap(name string, uid types.UID, rv string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: uid, ResourceVersion: rv}}
}

// count is how often an event of a series was recorded.
func count(e *eventsv1.Event) int32 {
	if e.Series == nil {
		return 1
	}
	return e.Series.Count
}
