package trace_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/trace"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

type (
	configMap = corev1.ConfigMap
	action    = controller.Action
)

// world is a simulated server, in virtual time, and what its clients' spans are.
type world struct {
	*sim.Server
	t      *testing.T
	spans  *recorder
	client kubernetes.Interface // of somebody else
	repo   *repository.Live[*configMap]
	heads  []http.Header // of the requests of the operator
}

// traced runs an operator of ConfigMaps, and then f.
func traced(t *testing.T, apply func(w *world, ctx context.Context, cm *configMap) (action, error), f func(w *world), more ...controller.Observer) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"ns"}})
		require.NoError(t, err)
		defer srv.Close()
		w := &world{Server: srv, t: t, spans: &recorder{}}
		w.client, err = kubernetes.NewForConfig(srv.Config())
		require.NoError(t, err)
		cfg := srv.Config()
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return heads{next, w} })
		w.repo, err = repository.New[configMap](trace.Instrument(cfg, w.spans), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		require.NoError(t, err)
		u := controller.Funcs[*configMap]{FinalizerName: "example.com/cleanup", ApplyFunc: func(ctx context.Context, cm *configMap) (action, error) {
			return apply(w, ctx, cm)
		}}
		c, err := controller.New(w.repo, u, &controller.Options{
			Workers: 1, Logger: zap.NewNop(), Observer: controller.Observers(append([]controller.Observer{trace.Observer(w.spans)}, more...)...),
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		settle(time.Second)
		f(w)
		cancel()
		require.NoError(t, <-done)
		w.spans.mu.Lock()
		defer w.spans.mu.Unlock()
		for _, s := range w.spans.spans {
			require.Equal(t, 1, s.ended, s.name)
		}
	})
}

// heads notes the headers under the spans.
type heads struct {
	next http.RoundTripper
	w    *world
}

func (h heads) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		h.w.heads = append(h.w.heads, r.Header)
	}
	return h.next.RoundTrip(r)
}

func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) create(name string) *configMap {
	w.t.Helper()
	cm := &configMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}, Data: map[string]string{"secret": "canary"}}
	cm, err := w.client.CoreV1().ConfigMaps("ns").Create(w.t.Context(), cm, metav1.CreateOptions{})
	require.NoError(w.t, err)
	return cm
}

// TestEachAttemptIsASpanOverItsRequests: with what it was about, what it did, and how it ended.
// Lists and watches are no spans. Kills: a request that is not below its attempt, or below another
// one, and an error that is not seen.
func TestEachAttemptIsASpanOverItsRequests(t *testing.T) {
	traced(t, func(w *world, ctx context.Context, cm *configMap) (action, error) {
		if cm.Name == "b" {
			_, err := w.repo.Get(ctx, types.NamespacedName{Namespace: "ns", Name: "none"})
			return controller.AwaitChange(), err
		}
		return controller.Requeue(time.Hour), nil
	}, func(w *world) {
		a := w.create("a")
		settle(time.Second)
		attempts := w.spans.named("reconcile configmap")
		require.Len(t, attempts, 1)
		first := attempts[0]
		require.Nil(t, first.parent)
		for key, value := range map[string]any{
			"kuberator.controller": "configmap", "k8s.namespace.name": "ns", "kuberator.object.name": "a", "kuberator.object.uid": string(a.UID),
			"kuberator.op": "apply", "kuberator.result": "requeue", "kuberator.writes": int64(1), "kuberator.next_seconds": 3600.0,
			"kuberator.reasons": []string{"ConfigMap ns/a added at " + a.ResourceVersion}, "kuberator.queued_seconds": 0.0,
		} {
			require.Equal(t, value, first.attributes[attribute.Key(key)], key)
		}
		require.Equal(t, codes.Unset, first.status)
		patches := w.spans.named("PATCH configmaps")
		require.Len(t, patches, 1)
		require.Same(t, first, patches[0].parent)
		require.Equal(t, oteltrace.SpanKindClient, patches[0].kind)
		require.Equal(t, int64(200), patches[0].attributes["http.response.status_code"])
		require.Equal(t, "/api/v1/namespaces/ns/configmaps/a", patches[0].attributes["url.path"])
		require.Len(t, w.heads, 1)
		require.Equal(t, "00-"+first.context.TraceID().String()+"-"+patches[0].context.SpanID().String()+"-01", w.heads[0].Get("traceparent"))
		require.Len(t, w.spans.spans, 2, "no list, no watch, no probe")

		w.create("b")
		settle(time.Millisecond)
		failed := w.spans.named("reconcile configmap")[1]
		require.Equal(t, "error", failed.attributes["kuberator.result"])
		require.Equal(t, "NotFound", failed.attributes["kuberator.class"])
		require.Equal(t, codes.Error, failed.status)
		require.Contains(t, failed.description, "not found")
		get := w.spans.named("GET configmaps")[0]
		require.Same(t, failed, get.parent)
		require.Equal(t, codes.Error, get.status)
		require.Equal(t, "Not Found", get.description)
	})
}

// TestAnAttemptIsLinkedToItsCause: a retry to the failure, a timer to who asked for it; what others
// did has no cause here. Kills: links to another object, and to the wrong attempt.
func TestAnAttemptIsLinkedToItsCause(t *testing.T) {
	n := 0
	traced(t, func(_ *world, _ context.Context, cm *configMap) (action, error) {
		if cm.Name == "other" {
			return controller.Requeue(time.Minute), nil
		}
		switch n++; n {
		case 1:
			return controller.AwaitChange(), errors.New("not yet")
		case 2:
			return controller.Requeue(time.Minute), nil
		default:
			return controller.AwaitChange(), nil
		}
	}, func(w *world) {
		a := w.create("a")
		settle(30 * time.Second)
		w.create("other")
		settle(40 * time.Second)
		a.Data = nil
		a, err := w.client.CoreV1().ConfigMaps("ns").Get(t.Context(), "a", metav1.GetOptions{})
		require.NoError(t, err)
		a.Data = map[string]string{"size": "2"}
		_, err = w.client.CoreV1().ConfigMaps("ns").Update(t.Context(), a, metav1.UpdateOptions{})
		require.NoError(t, err)
		settle(time.Second)
		var mine []*span
		for _, s := range w.spans.named("reconcile configmap") {
			if s.attributes["kuberator.object.name"] == "a" {
				mine = append(mine, s)
			}
		}
		require.Len(t, mine, 4)
		require.Empty(t, mine[0].links)
		require.Equal(t, []oteltrace.Link{{SpanContext: mine[0].context}}, mine[1].links, "the retry")
		require.Equal(t, []oteltrace.Link{{SpanContext: mine[1].context}}, mine[2].links, "the timer")
		require.Empty(t, mine[3].links, "somebody else")
	})
}

// TestS2S3S4SpansAreBoundedEscapedAndWithoutContent as log records are. Kills: an error that is
// recorded as it is.
func TestS2S3S4SpansAreBoundedEscapedAndWithoutContent(t *testing.T) {
	traced(t, func(*world, context.Context, *configMap) (action, error) {
		return controller.AwaitChange(), errors.New("red \x1b[31m\nnew line \u202e" + strings.Repeat("long ", 10_000))
	}, func(w *world) {
		w.create("a")
		settle(time.Millisecond)
		text := w.spans.text()
		require.NotContains(t, text, "canary")
		require.NotContains(t, text, "\x1b")
		require.NotContains(t, text, "\u202e")
		require.Contains(t, text, "new line")
		for _, s := range w.spans.spans {
			require.LessOrEqual(t, len(s.description), kerr.MaxLog)
			require.NotContains(t, s.description, "\n")
		}
	})
}

// TestSpansOfOthersAreTheirs: another observer begins a span below ours, and ends it itself. Kills:
// one that ends whatever span the ctx has.
func TestSpansOfOthersAreTheirs(t *testing.T) {
	theirs := &recorder{}
	other := controller.ObserverFuncs{StartedFunc: func(ctx context.Context, _ controller.Attempt) context.Context {
		ctx, _ = theirs.Tracer("").Start(ctx, "theirs")
		return ctx
	}}
	traced(t, func(*world, context.Context, *configMap) (action, error) { return controller.AwaitChange(), nil }, func(w *world) {
		w.create("a")
		settle(time.Second)
		require.Len(t, theirs.spans, 1)
		require.Zero(t, theirs.spans[0].ended)
		require.Equal(t, "success", w.spans.named("reconcile configmap")[0].attributes["kuberator.result"])
	}, other)
}

// TestNothingConfiguredIsNothing: no observer, no transport. With a provider that drops all spans an
// attempt costs what that costs. Kills: work for spans that nobody gets.
func TestNothingConfiguredIsNothing(t *testing.T) {
	for _, provider := range []oteltrace.TracerProvider{nil, noop.NewTracerProvider()} {
		require.Nil(t, trace.Observer(provider))
		require.Nil(t, trace.Instrument(&rest.Config{}, provider).WrapTransport)
	}
	cfg := &rest.Config{}
	require.NotNil(t, trace.Instrument(cfg, &recorder{}).WrapTransport)
	require.Nil(t, cfg.WrapTransport, "it is a copy")

	at := controller.Attempt{Controller: "configmap", Key: types.NamespacedName{Namespace: "ns", Name: "a"}, Reasons: []controller.Reason{{Verb: controller.VerbAdded}}, Next: -1}
	dropping := &recorder{dropped: true}
	bare := testing.AllocsPerRun(100, func() { dropping.Tracer("").Start(t.Context(), "reconcile "+at.Controller) })
	o := trace.Observer(dropping)
	costs := testing.AllocsPerRun(100, func() { o.Ended(o.Started(t.Context(), at), at) })
	require.LessOrEqual(t, costs, bare+1)
}

// TestSpansOfRequestsAreNamedAfterResources and have no names of objects. Kills: a name for each
// object, by which no backend can group.
func TestSpansOfRequestsAreNamedAfterResources(t *testing.T) {
	spans := &recorder{}
	var asked []string
	cfg := trace.Instrument(&rest.Config{Host: "http://server.example", Transport: answering(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Path)
		return nil, errors.New("no route \x1b to host")
	})}, spans)
	rt, err := rest.TransportFor(cfg)
	require.NoError(t, err)
	ctx, parent := spans.Tracer("").Start(t.Context(), "parent")
	defer parent.End()
	for path, name := range map[string]string{
		"/api/v1/namespaces/ns/configmaps/a":                        "GET configmaps",
		"/api/v1/namespaces/ns/configmaps":                          "GET configmaps",
		"/api/v1/configmaps":                                        "GET configmaps",
		"/apis/apps/v1/namespaces/ns/deployments/a/status":          "GET deployments/status",
		"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x": "GET customresourcedefinitions",
		"/api/v1/namespaces/ns":                                     "GET namespaces",
		"/api/v1/namespaces/ns/status":                              "GET namespaces/status",
		"/api/v1/namespaces":                                        "GET namespaces",
		"/api/v1/nodes/n/status":                                    "GET nodes/status",
		"/version":                                                  "GET other",
		"/api":                                                      "GET other",
		"/":                                                         "GET other",
	} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://server.example"+path, nil)
		require.NoError(t, err)
		_, err = rt.RoundTrip(r) //nolint:bodyclose // there is no answer
		require.Error(t, err)
		last := spans.spans[len(spans.spans)-1]
		require.Equal(t, name, last.name, path)
		require.Equal(t, codes.Error, last.status)
		require.NotContains(t, last.description, "\x1b")
		require.Empty(t, r.Header, "a request is not changed")
	}
	require.NotEmpty(t, asked)
}

type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }
