package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/cluster"
)

// told is a handler that passes on what it is told.
type told[T repository.Object] struct {
	events chan string
	errs   chan error
}

func newTold[T repository.Object]() told[T] {
	return told[T]{make(chan string, 10_000), make(chan error, 10_000)}
}

func (d told[T]) OnAdd(obj T, _ bool) { d.events <- "added " + repository.Key(obj).String() }

func (d told[T]) OnUpdate(_, obj T) { d.events <- "updated " + repository.Key(obj).String() }

func (d told[T]) OnDelete(obj cache.DeletedObject[T]) { d.events <- "deleted " + obj.GetKey() }

func (d told[T]) OnError(err error) { d.errs <- err }

// soon returns what comes within a minute.
func soon[E any](t *testing.T, from chan E, what string) (came E) {
	t.Helper()
	select {
	case came = <-from:
	case <-time.After(time.Minute):
		require.FailNow(t, "timeout", "nothing came within a minute: %s", what)
	}
	return came
}

// await waits until all of the events have come. Others are let pass.
func await(t *testing.T, from chan string, events ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, event := range events {
		missing[event] = true
	}
	for len(missing) > 0 {
		delete(missing, soon(t, from, fmt.Sprint(missing)))
	}
}

// awaitStale waits for a StaleError that is as wanted.
func awaitStale(t *testing.T, from chan error, wanted func(*informer.StaleError) bool) {
	t.Helper()
	for {
		if stale, ok := errors.AsType[*informer.StaleError](soon(t, from, "a StaleError")); ok && wanted(stale) {
			return
		}
	}
}

// over returns the repository of all Widgets over a transport.
func over(t *testing.T, transport func(http.RoundTripper) http.RoundTripper) repository.Repository[*Widget] {
	t.Helper()
	cfg := shared.Config()
	cfg.Wrap(transport)
	repo, err := repository.New[Widget](cfg, newScheme("Widget"), widgets)
	require.NoError(t, err)
	return repo
}

func subscribe[T repository.Object](t *testing.T, repo repository.Repository[T], opts *informer.Options) (*informer.Informer[T], told[T], *informer.Subscription[T]) {
	t.Helper()
	in, err := informer.New(repo, opts)
	require.NoError(t, err)
	d := newTold[T]()
	sub, err := in.Subscribe(context.WithoutCancel(t.Context()), d)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sub.Stop()) })
	require.True(t, cache.WaitFor(t.Context(), "", sub.Synced()...))
	return in, d, sub
}

func listed[T repository.Object](t *testing.T, in *informer.Informer[T]) []T {
	t.Helper()
	objs, err := in.List(t.Context())
	require.NoError(t, err)
	return objs
}

func watching(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

// TestNamespacesChangedOnTheServer watches one namespace after the other.
func TestNamespacesChangedOnTheServer(t *testing.T) {
	first, second := newWorld(t), newWorld(t)
	one, two := first.create(first.widget("one")), second.create(second.widget("two"))
	var mu sync.Mutex
	watches := map[string]int{}
	repo := over(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if watching(r) {
				mu.Lock()
				watches[r.URL.Path]++
				mu.Unlock()
			}
			return next.RoundTrip(r)
		})
	})
	in, d, sub := subscribe(t, repo, &informer.Options{Namespaces: []string{first.namespace}})
	await(t, d.events, "added "+repository.Key(one).String())
	require.NoError(t, in.SetNamespaces(first.namespace, second.namespace))
	require.True(t, cache.WaitFor(t.Context(), "", sub.Synced()...))
	await(t, d.events, "added "+repository.Key(two).String())
	require.NoError(t, in.SetNamespaces(second.namespace))
	require.Equal(t, "deleted "+repository.Key(one).String(), soon(t, d.events, "an event"))
	first.create(first.widget("unseen"))
	three := second.create(second.widget("three"))
	require.Equal(t, "added "+repository.Key(three).String(), soon(t, d.events, "an event"))
	require.Len(t, listed(t, in), 2)
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, watches, 2)
	for path, times := range watches {
		require.Equal(t, 1, times, path)
	}
	require.Empty(t, d.errs)
}

// TestG6StartsWithAQuorumReadOnTheServer by a stream, or by a list where a proxy, or an
// old server, does not let it stream.
func TestG6StartsWithAQuorumReadOnTheServer(t *testing.T) {
	w := newWorld(t)
	w.create(w.widget("one"))
	for _, streams := range []bool{true, false} {
		var mu sync.Mutex
		var asked []*http.Request
		repo := over(t, func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Query().Get("sendInitialEvents") != "" && !streams {
					return &http.Response{
						StatusCode: http.StatusUnprocessableEntity, Body: http.NoBody, Request: r,
						Header: http.Header{"Content-Type": {"text/plain"}},
					}, nil
				}
				mu.Lock()
				asked = append(asked, r)
				mu.Unlock()
				return next.RoundTrip(r)
			})
		})
		in, _, _ := subscribe(t, repo, &informer.Options{Namespaces: []string{w.namespace}})
		require.Len(t, listed(t, in), 1)
		mu.Lock()
		require.Equal(t, streams, watching(asked[0]))
		require.Empty(t, asked[0].URL.Query().Get("resourceVersion"))
		mu.Unlock()
	}
}

// held is the body of a watch that delivers nothing any more, and looks as open as
// before: a half-open connection, as a client sees it.
type held struct {
	io.ReadCloser
	on     <-chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (h *held) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	select {
	case <-h.on:
		<-h.closed
		return 0, io.ErrUnexpectedEOF
	default:
		return n, err
	}
}

func (h *held) Close() error {
	h.once.Do(func() { close(h.closed) })
	return h.ReadCloser.Close()
}

// TestG18SilentWatchOnTheServer holds back what the first watch delivers. The interval
// is so short that an idle watch may look silent before: the server says each minute
// only where it is.
func TestG18SilentWatchOnTheServer(t *testing.T) {
	w := newWorld(t)
	w.create(w.widget("before"))
	hold := make(chan struct{})
	repo := over(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			select {
			case <-hold:
			default:
				if err == nil && watching(r) {
					resp.Body = &held{ReadCloser: resp.Body, on: hold, closed: make(chan struct{})}
				}
			}
			return resp, err
		})
	})
	in, d, _ := subscribe(t, repo, &informer.Options{Namespaces: []string{w.namespace}, Probe: 500 * time.Millisecond})
	close(hold)
	missed, err := strconv.Atoi(w.create(w.widget("missed")).ResourceVersion)
	require.NoError(t, err)
	awaitStale(t, d.errs, func(stale *informer.StaleError) bool {
		listed, err := strconv.Atoi(stale.Listed)
		return err == nil && listed >= missed && stale.For >= 1250*time.Millisecond
	})
	await(t, d.events, "added "+w.key("missed").String())
	require.Len(t, listed(t, in), 2)
}

// TestG18RestoredFromABackup takes a real etcd back in time, under an API server that
// is restarted as well. Without the probe the watch is begun again at a
// resourceVersion that the server has yet to reach, and tells nothing until then.
func TestG18RestoredFromABackup(t *testing.T) {
	c := cluster.Start(t, &cluster.Options{NoControllerManager: true})
	ctx := t.Context()
	client, err := kubernetes.NewForConfig(c.Config())
	require.NoError(t, err)
	maps := client.CoreV1().ConfigMaps("default")
	write := func(name string) {
		_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	data, backup := filepath.Join(c.Dir(), "etcd"), filepath.Join(t.TempDir(), "backup")
	write("old")
	write("deleted-later")
	require.NoError(t, c.Etcd().Kill())
	require.NoError(t, os.CopyFS(backup, os.DirFS(data)))
	require.NoError(t, c.Etcd().Restart(ctx))

	cfg := c.Config()
	cfg.WarningHandler = rest.NoWarnings{}
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	require.NoError(t, err)
	in, d, _ := subscribe(t, repo, &informer.Options{Namespaces: []string{"default"}, Probe: time.Second})
	require.NoError(t, maps.Delete(ctx, "deleted-later", metav1.DeleteOptions{}))
	for n := range 300 {
		write("lost-" + strconv.Itoa(n))
	}
	await(t, d.events, "deleted default/deleted-later", "added default/lost-299")

	require.NoError(t, c.APIServer().Kill())
	require.NoError(t, c.Etcd().Kill())
	require.NoError(t, os.RemoveAll(data))
	require.NoError(t, os.CopyFS(data, os.DirFS(backup)))
	require.NoError(t, c.Etcd().Restart(ctx))
	require.NoError(t, c.APIServer().Restart(ctx))
	await(t, d.events, "added default/deleted-later", "deleted default/lost-0", "deleted default/lost-299")
	_, err = in.Get(ctx, types.NamespacedName{Namespace: "default", Name: "lost-7"})
	require.True(t, apierrors.IsNotFound(err))
	write("new")
	await(t, d.events, "added default/new")
}
