package fault_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// world is a server with a namespace for one test. What the test looks at, it looks at past
// the faults.
type world struct {
	cfg       *rest.Config
	namespace string
	direct    kubernetes.Interface
}

// simulated runs a test in a bubble, on a simulated server. Goroutines that do not end in
// the bubble fail it.
func simulated(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps", "deployments.apps", "leases.coordination.k8s.io")})
		require.NoError(t, err)
		t.Cleanup(srv.Close)
		test(t, newWorld(t, srv.Config(), metav1.NamespaceDefault))
	})
}

func newWorld(t *testing.T, cfg *rest.Config, namespace string) *world {
	t.Helper()
	direct, err := kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	return &world{cfg: cfg, namespace: namespace, direct: direct}
}

// client is one whose requests fail.
func (w *world) client(t *testing.T, injector *fault.Injector) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(injector.Config(w.cfg))
	require.NoError(t, err)
	return client
}

func (w *world) create(t *testing.T, name string) *corev1.ConfigMap {
	t.Helper()
	object, err := w.direct.CoreV1().ConfigMaps(w.namespace).Create(t.Context(), configMap(name), metav1.CreateOptions{})
	require.NoError(t, err)
	return object
}

func (w *world) exists(t *testing.T, name string) bool {
	t.Helper()
	all, err := w.direct.CoreV1().ConfigMaps(w.namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	require.NoError(t, err)
	return len(all.Items) == 1
}

// value returns what patch set, "" if it did not.
func (w *world) value(t *testing.T, name string) string {
	t.Helper()
	object, err := w.direct.CoreV1().ConfigMaps(w.namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	return object.Data["k"]
}

func (w *world) patch(ctx context.Context, client kubernetes.Interface, name, value string) error {
	patch := []byte(`{"data":{"k":` + strconv.Quote(value) + `}}`)
	_, err := client.CoreV1().ConfigMaps(w.namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// watch begins after everything that there is now.
func (w *world) watch(t *testing.T, client kubernetes.Interface) watch.Interface {
	t.Helper()
	now, err := w.direct.CoreV1().ConfigMaps(w.namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	watching, err := client.CoreV1().ConfigMaps(w.namespace).Watch(t.Context(), metav1.ListOptions{ResourceVersion: now.ResourceVersion})
	require.NoError(t, err)
	t.Cleanup(watching.Stop)
	return watching
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// next returns a watch's next event, as type and name, or "end".
func next(watching watch.Interface) string {
	event, open := <-watching.ResultChan()
	if !open {
		return "end"
	}
	switch object := event.Object.(type) {
	case *metav1.Status:
		return string(event.Type) + " " + string(object.Reason)
	case metav1.Object:
		return string(event.Type) + " " + object.GetName()
	}
	return string(event.Type)
}

// nothing reports whether a watch shows nothing, however long one waits. Only in a bubble.
func nothing(watching watch.Interface) bool {
	synctest.Wait()
	select {
	case <-watching.ResultChan():
		return false
	default:
		return true
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
