package fault_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/fault"
)

func TestHoldAndRelease(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		injector := fault.For(t)
		client := w.client(t, injector)
		before := w.watch(t, client)
		w.create(t, "a")
		require.Equal(t, "ADDED a", next(before))

		injector.Watches("configmaps").Hold()
		after := w.watch(t, client)
		other, err := client.AppsV1().Deployments(w.namespace).Watch(t.Context(), metav1.ListOptions{SendInitialEvents: new(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true})
		require.NoError(t, err)
		defer other.Stop()
		for n := range 5 {
			w.create(t, fmt.Sprintf("b%d", n))
		}
		require.Equal(t, "BOOKMARK ", next(other), "of another resource")
		require.True(t, nothing(before))
		require.True(t, nothing(after))

		injector.Watches("configmaps").Release()
		for n := range 5 {
			require.Equal(t, fmt.Sprintf("ADDED b%d", n), next(before))
			require.Equal(t, fmt.Sprintf("ADDED b%d", n), next(after))
		}
		require.True(t, nothing(before))
		require.True(t, nothing(after))
	})
}

func TestReleaseToComparesNumbers(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		injector := fault.For(t)
		watching := w.watch(t, w.client(t, injector))
		injector.Watches("configmaps").Hold()
		first := fault.RV(w.create(t, "first"))
		edge := uint64(math.Pow10(len(fmt.Sprint(first)))) // as a text, it is before first
		require.Less(t, edge-first, uint64(2000), "the simulated server begins at another number, so begin later here too")
		for n := first + 1; n <= edge; n++ {
			w.create(t, fmt.Sprint(n))
		}
		injector.Watches("configmaps").ReleaseTo(first)
		require.Equal(t, "ADDED first", next(watching))
		require.True(t, nothing(watching))
		injector.Watches("configmaps").ReleaseTo(edge - 1)
		for n := first + 1; n < edge; n++ {
			require.Equal(t, fmt.Sprintf("ADDED %d", n), next(watching))
		}
		require.True(t, nothing(watching))
		injector.Watches("configmaps").Hold()
		injector.Watches("configmaps").ReleaseTo(edge)
		require.Equal(t, fmt.Sprintf("ADDED %d", edge), next(watching))
	})
}

func TestBookmarksAreHeldBackToo(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		injector := fault.For(t)
		client := w.client(t, injector)
		old := w.create(t, "old")
		w.create(t, "new")
		injector.Watches("configmaps").ReleaseTo(fault.RV(old))
		watching, err := client.CoreV1().ConfigMaps(w.namespace).Watch(t.Context(), metav1.ListOptions{
			AllowWatchBookmarks: true, FieldSelector: "metadata.name=old", SendInitialEvents: new(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
		})
		require.NoError(t, err)
		defer watching.Stop()
		require.Equal(t, "ADDED old", next(watching))
		time.Sleep(time.Hour)
		require.True(t, nothing(watching), "the bookmark is of a later time")
		injector.Watches("configmaps").Release()
		require.Equal(t, "BOOKMARK ", next(watching))
	})
}

func TestCloseAndGone(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(fault.Watches)
		want []string
	}{
		"close":     {fault.Watches.Close, []string{"end"}},
		"gone":      {fault.Watches.Gone, []string{"ERROR Expired", "end"}},
		"only once": {func(w fault.Watches) { w.Close(); w.Gone(); w.Close() }, []string{"end"}},
	} {
		for _, held := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, held %t", name, held), func(t *testing.T) {
				simulated(t, func(t *testing.T, w *world) {
					injector := fault.For(t)
					client := w.client(t, injector)
					one, two := w.watch(t, client), w.watch(t, client)
					if held {
						injector.Watches("configmaps").Hold()
						w.create(t, "held")
						synctest.Wait()
					}
					began := time.Now()
					c.do(injector.Watches("configmaps"))
					for _, want := range c.want {
						require.Equal(t, want, next(one))
						require.Equal(t, want, next(two))
					}
					require.Zero(t, time.Since(began), "it does not wait for the server to end the watch")
					injector.Watches("configmaps").Release()
					again := w.watch(t, client)
					w.create(t, "a")
					require.Equal(t, "ADDED a", next(again), "only the open ones are ended")
				})
			})
		}
	}
}

func TestAnInformerFindsItsWayBack(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		injector := fault.For(t, fault.On("watch", "configmaps").Nth(3).Then(fault.NotSent()))
		heard := make(chan string, 100)
		ctx, cancel := context.WithCancel(t.Context())
		_, ended := w.inform(ctx, t, injector, heard)
		defer ended()
		defer cancel()

		for n, disturb := range []func(){
			func() {}, injector.Watches("configmaps").Close, injector.Watches("configmaps").Gone,
			injector.Watches("configmaps").Hold,
		} {
			synctest.Wait()
			disturb()
			w.create(t, fmt.Sprintf("a%d", n))
			if n == 3 {
				time.Sleep(time.Hour)
				require.Empty(t, heard)
				injector.Watches("configmaps").Release()
			}
			require.Equal(t, fmt.Sprintf("+a%d", n), <-heard)
		}
		synctest.Wait()
		require.Empty(t, heard)
	})
}

// A bubble ends only if all of its goroutines do.
func TestStreamsEndWithTheirClient(t *testing.T) {
	type action func(stop, cancel func())
	for name, leave := range map[string]action{
		"body closed":   func(stop, _ func()) { stop() },
		"context ended": func(_, cancel func()) { cancel() },
	} {
		for state, prepare := range map[string]func(*testing.T, *world, fault.Watches){
			"idle":           func(*testing.T, *world, fault.Watches) {},
			"held":           func(t *testing.T, w *world, watches fault.Watches) { watches.Hold(); w.create(t, "a") },
			"held, no event": func(_ *testing.T, _ *world, watches fault.Watches) { watches.Hold() },
			"client stuck":   func(t *testing.T, w *world, _ fault.Watches) { w.create(t, "a"); w.create(t, "b"); w.create(t, "c") },
		} {
			t.Run(name+", "+state, func(t *testing.T) {
				simulated(t, func(t *testing.T, w *world) {
					injector := fault.For(t)
					w.create(t, "z")
					closed := make(chan struct{})
					w.cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return noting(next, closed) })
					ctx, cancel := context.WithCancel(t.Context())
					body := w.stream(ctx, t, injector)
					prepare(t, w, injector.Watches("configmaps"))
					synctest.Wait()
					leave(func() { require.NoError(t, body.Close()) }, cancel)
					began := time.Now()
					<-closed // what the server sends
					require.Zero(t, time.Since(began), "it does not wait for the server to end the watch")
					_, err := io.ReadAll(body)
					require.Error(t, err, "nothing comes any more")
					cancel()
					require.NoError(t, body.Close())
				})
			})
		}
	}
}

// noting closes a channel when the body of a watch is closed.
func noting(next http.RoundTripper, closed chan struct{}) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err == nil && r.URL.Query().Has("watch") {
			response.Body = &noted{ReadCloser: response.Body, close: sync.OnceFunc(func() { close(closed) })}
		}
		return response, err
	})
}

type noted struct {
	io.ReadCloser
	close func()
}

func (n *noted) Close() error {
	n.close()
	return n.ReadCloser.Close()
}

// stream is a watch whose body nobody reads.
func (w *world) stream(ctx context.Context, t *testing.T, injector *fault.Injector) io.ReadCloser {
	t.Helper()
	now, err := w.direct.CoreV1().ConfigMaps(w.namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	body, err := w.client(t, injector).CoreV1().RESTClient().Get().Namespace(w.namespace).Resource("configmaps").
		Param("watch", "true").Param("resourceVersion", now.ResourceVersion).Stream(ctx)
	require.NoError(t, err)
	return body
}

func TestTheEndOfAStreamIsHeldBackToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		injector := fault.For(t)
		client, err := rest.HTTPClientFor(injector.Config(&rest.Config{Transport: answering("application/json", "")}))
		require.NoError(t, err)
		injector.Watches("configmaps").Hold()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server/api/v1/configmaps?watch=true", http.NoBody)
		require.NoError(t, err)
		response, err := client.Do(r)
		require.NoError(t, err)
		began := time.Now()
		time.AfterFunc(time.Hour, injector.Watches("configmaps").Release)
		got, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Empty(t, got)
		require.Equal(t, time.Hour, time.Since(began))
		require.NoError(t, response.Body.Close())
	})
}

func TestEventsComeAsTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := `{"type":"ADDED","object":{"metadata":{"resourceVersion":"5"}}}` + "\n" + `{"type":"ADDED","object":{"metadata":{"resourceVersion":"6"}}}` + "\n"
		for end, want := range map[string]error{"": nil, `{"type":"ADDED","obj`: io.ErrUnexpectedEOF} {
			injector := fault.For(t)
			client, err := rest.HTTPClientFor(injector.Config(&rest.Config{Transport: answering("application/json", events+end)}))
			require.NoError(t, err)
			injector.Watches("configmaps").Hold()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server/api/v1/configmaps?watch=true", http.NoBody)
			require.NoError(t, err)
			response, err := client.Do(r)
			require.NoError(t, err)
			var got strings.Builder
			var failed error
			var done sync.WaitGroup
			done.Go(func() { _, failed = io.Copy(&got, response.Body) })
			synctest.Wait()
			require.Empty(t, got.String())
			injector.Watches("configmaps").ReleaseTo(5)
			synctest.Wait()
			require.Equal(t, 1, strings.Count(got.String(), "\n"))
			injector.Watches("configmaps").Release()
			done.Wait()
			require.Equal(t, events, got.String())
			require.ErrorIs(t, failed, want)
			require.NoError(t, response.Body.Close())
		}
	})
}

func answering(contentType, body string) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func TestWatchesAreInJSON(t *testing.T) {
	const partial = ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
	for name, c := range map[string]struct{ asked, got string }{
		"nothing":  {"", "application/json"},
		"json":     {"application/json, */*", "application/json"},
		"protobuf": {"application/vnd.kubernetes.protobuf,application/json", "application/json"},
		"only":     {"application/vnd.kubernetes.protobuf;q=0.5", "application/json"},
		"cbor":     {"application/cbor-seq", "application/json"},
		"metadata": {
			"application/vnd.kubernetes.protobuf" + partial + ",application/json" + partial + ",application/json",
			"application/json; as=PartialObjectMetadata; g=meta.k8s.io; v=v1,application/json",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			cfg := &rest.Config{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				got = append(got, r.Header.Get("Accept"))
				return answering("application/json", "{}")(r)
			})}
			client, err := rest.HTTPClientFor(fault.For(t).Config(cfg))
			require.NoError(t, err)
			for _, path := range []string{"/api/v1/configmaps?watch=true", "/api/v1/configmaps"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server"+path, http.NoBody)
				require.NoError(t, err)
				r.Header.Set("Accept", c.asked)
				response, err := client.Do(r)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				require.Equal(t, c.asked, r.Header.Get("Accept"), "the client's request is not changed")
			}
			require.Equal(t, []string{c.got, c.asked}, got, "lists are as they were")
		})
	}
}

func TestAWatchThatCannotBeRead(t *testing.T) {
	client, err := rest.HTTPClientFor(fault.For(t).Config(&rest.Config{Transport: answering("application/vnd.kubernetes.protobuf", "")}))
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server/api/v1/configmaps?watch=true", http.NoBody)
	require.NoError(t, err)
	_, err = client.Do(r) //nolint:bodyclose // there is none
	require.ErrorContains(t, err, "cannot be read")
}

func TestMetadataAndProtobufClients(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		injector := fault.For(t)
		w.cfg.ContentType = "application/vnd.kubernetes.protobuf"
		past := w.create(t, "past")
		typed := w.watch(t, w.client(t, injector))
		client, err := metadata.NewForConfig(injector.Config(w.cfg))
		require.NoError(t, err)
		partial, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Watch(t.Context(), metav1.ListOptions{ResourceVersion: past.ResourceVersion})
		require.NoError(t, err)
		defer partial.Stop()
		injector.Watches("configmaps").Hold()
		w.create(t, "a")
		require.True(t, nothing(typed))
		require.True(t, nothing(partial))
		injector.Watches("configmaps").Release()
		require.Equal(t, "ADDED a", next(typed))
		event := <-partial.ResultChan()
		require.IsType(t, &metav1.PartialObjectMetadata{}, event.Object)
		require.Equal(t, "a", event.Object.(*metav1.PartialObjectMetadata).Name)
	})
}

func TestRulesAreForWatchesToo(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		client := w.client(t, fault.For(t, fault.On("watch", "configmaps").Nth(1).Then(fault.TearAnswer(30)), fault.On("watch", "configmaps").Nth(2).Then(fault.CommitThenEOF())))
		torn := w.watch(t, client)
		w.create(t, "a")
		require.Equal(t, "end", next(torn))
		began := time.Now()
		watching := w.watch(t, client) // client-go opens it again after a second
		require.Equal(t, time.Second, time.Since(began))
		w.create(t, "b")
		require.Equal(t, "ADDED b", next(watching))
	})
}
