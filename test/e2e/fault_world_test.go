package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// The tests of this package that are named TestFault and a number are the rows of
// that number in the fault matrix: something between the operator and the server, or
// the server itself, misbehaves.

// configMaps are the children in these tests.
var configMaps = corev1.SchemeGroupVersion.WithResource("configmaps")

// passing returns the config with something in front of the transport.
func passing(cfg *rest.Config, do func(r *http.Request, next http.RoundTripper) (*http.Response, error)) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return do(r, next) })
	})
	return cfg
}

// says is the answer of a server that refuses.
func says(r *http.Request, refusal *apierrors.StatusError) *http.Response {
	status := refusal.Status()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	body, err := json.Marshal(status)
	if err != nil {
		body = []byte(err.Error())
	}
	return answering(r, int(status.Code), runtime.ContentTypeJSON, string(body))
}

func answering(r *http.Request, code int, content, body string) *http.Response {
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {content}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

func (w *world) widgets(cfg *rest.Config) *repository.Live[*Widget] {
	w.t.Helper()
	repo, err := repository.New[Widget](cfg, newScheme("Widget"), widgets, repository.InNamespaces(w.namespace))
	require.NoError(w.t, err)
	return repo
}

func (w *world) configMaps(cfg *rest.Config) *repository.Live[*corev1.ConfigMap] {
	w.t.Helper()
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, configMaps, repository.InNamespaces(w.namespace))
	require.NoError(w.t, err)
	return repo
}

// childOf is a ConfigMap that the widget controls.
func childOf(owner *Widget, name string) (*corev1.ConfigMap, error) {
	child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: owner.Namespace, Name: name, Labels: map[string]string{"owner": owner.Name}}}
	return child, repository.SetController(owner, group.WithKind("Widget"), child)
}

// liveChildren returns the ConfigMaps that exist for a widget.
func (w *world) liveChildren(owner string) []corev1.ConfigMap {
	w.t.Helper()
	list, err := w.admin.CoreV1().ConfigMaps(w.namespace).List(w.t.Context(), metav1.ListOptions{LabelSelector: "owner=" + owner})
	require.NoError(w.t, err)
	return list.Items
}

// isCleaned matches a successful Cleanup of the object.
func isCleaned(key types.NamespacedName) func(controller.Attempt) bool {
	return func(a controller.Attempt) bool { return a.Key == key && a.Op == kerr.OpCleanup && a.Err == nil }
}

// drained returns the attempts that were reported so far and not asked for.
func (w *world) drained() []controller.Attempt {
	for len(w.attempts) > 0 {
		w.unclaimed = append(w.unclaimed, <-w.attempts)
	}
	return w.unclaimed
}

// valve is what the watches of a resource flow through: it can be shut, and break.
type valve struct {
	mu      sync.Mutex
	shut    chan struct{} // closed by open; nil while open
	streams map[*valved]bool
}

func (v *valve) over(cfg *rest.Config, resource string) *rest.Config {
	return passing(cfg, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil || !isWatch(r, resource) {
			return response, err
		}
		stream := &valved{ReadCloser: response.Body, v: v, over: r.Context().Done(), ended: make(chan struct{})}
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.streams == nil {
			v.streams = map[*valved]bool{}
		}
		v.streams[stream] = true
		response.Body = stream
		return response, nil
	})
}

func isWatch(r *http.Request, resource string) bool {
	return strings.HasSuffix(r.URL.Path, "/"+resource) && r.URL.Query().Has("watch")
}

func (v *valve) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shut = make(chan struct{})
}

func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.shut)
	v.shut = nil
}

// breakAll ends the streams as a lost connection does, and returns how many.
func (v *valve) breakAll() int {
	v.mu.Lock()
	streams := slices.Collect(maps.Keys(v.streams))
	v.mu.Unlock()
	for _, stream := range streams {
		_ = stream.Close()
	}
	return len(streams)
}

// valved is the body of a watch.
type valved struct {
	io.ReadCloser
	v     *valve
	over  <-chan struct{} // the request
	once  sync.Once
	ended chan struct{}
}

func (b *valved) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.v.mu.Lock()
	shut := b.v.shut
	b.v.mu.Unlock()
	if shut == nil {
		shut = make(chan struct{})
		close(shut)
	}
	select {
	case <-b.over:
	case <-b.ended:
	case <-shut:
		select {
		case <-b.ended:
		default:
			return n, err
		}
	}
	return 0, io.ErrUnexpectedEOF
}

func (b *valved) Close() error {
	b.once.Do(func() {
		close(b.ended)
		b.v.mu.Lock()
		defer b.v.mu.Unlock()
		delete(b.v.streams, b)
	})
	return b.ReadCloser.Close()
}

// goroutines returns the stacks of those that are there now, by their numbers.
func goroutines() map[string]string {
	all := make([]byte, 16<<20)
	all = all[:goruntime.Stack(all, true)]
	found := map[string]string{}
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		id, _, _ := strings.Cut(stack, " [")
		found[id] = stack
	}
	return found
}

// noNewGoroutines waits until those that were not there before are gone, but for the
// idle connections of net/http and those that look after the control plane.
func noNewGoroutines(t *testing.T, before map[string]string) {
	t.Helper()
	others := []string{"net/http.(*persistConn)", "http2", "kuberator/test/cluster."}
	var left []string
	none := func(context.Context) (bool, error) {
		left = nil
		for id, stack := range goroutines() {
			other := slices.ContainsFunc(others, func(part string) bool { return strings.Contains(stack, part) })
			if _, was := before[id]; !was && !other {
				left = append(left, stack)
			}
		}
		return len(left) == 0, nil
	}
	require.NoError(t, wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true, none), "%s", &left)
}
