package controller_test

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// server is a simulated API server, a client of it, and what happens between them.
type server struct {
	*sim.Server
	Clientset kubernetes.Interface
	faults    *fault.Injector // of the client's requests

	mu       sync.Mutex
	writes   []sim.Change
	requests []request
}

// newServer returns a server that holds objs, created in this order. It ends with the test.
func newServer(t testing.TB, objs ...metav1.Object) *server {
	t.Helper()
	s := &server{}
	namespaces := []string{"ns", "other"}
	for _, obj := range objs {
		namespaces = append(namespaces, obj.GetNamespace())
	}
	var err error
	s.Server, err = sim.New(sim.Options{Kinds: sim.Core("configmaps", "deployments.apps"), Namespaces: namespaces, OnChange: s.changed})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	s.faults, err = fault.New()
	require.NoError(t, err)
	cfg := s.faults.Config(s.Config())
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &wire{s, next} })
	s.Clientset, err = kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	for _, obj := range objs {
		switch obj := obj.(type) {
		case *deployment:
			_, err = s.Clientset.AppsV1().Deployments(obj.Namespace).Create(t.Context(), obj, metav1.CreateOptions{})
		case *corev1.ConfigMap:
			_, err = s.Clientset.CoreV1().ConfigMaps(obj.Namespace).Create(t.Context(), obj, metav1.CreateOptions{})
		}
		require.NoError(t, err)
	}
	s.writes, s.requests = nil, nil
	return s
}

func (s *server) changed(c sim.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, c)
}

// Writes returns what took effect so far, whoever did it.
func (s *server) Writes() []sim.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// creates counts the ConfigMaps that were created.
func (s *server) creates() (n int) {
	for _, w := range s.Writes() {
		if w.Verb == "create" && w.Resource.Resource == "configmaps" {
			n++
		}
	}
	return n
}

// request is one that the client sent, also if it failed.
type request struct {
	method string
	url    *url.URL
}

func (r request) String() string { return r.method + " " + r.url.String() }

func (r request) isWatch() bool { return r.url.Query().Has("watch") }

// isProbe tells the list by which an informer finds out whether its watch is behind.
func (r request) isProbe() bool { return !r.isWatch() && r.url.Query().Get("limit") == "1" }

// fills tells the request by which an informer learns of all objects of a kind: a list,
// or a watch that begins with one.
func (r request) fills(resource string) bool {
	lists := !r.isWatch() && !r.isProbe() || r.url.Query().Has("sendInitialEvents")
	return lists && r.method == http.MethodGet && path.Base(r.url.Path) == resource
}

// Requests returns those so far.
func (s *server) Requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// patches counts the patches that were sent, also those that changed nothing.
func (s *server) patches() (n int) {
	for _, r := range s.Requests() {
		if r.method == http.MethodPatch {
			n++
		}
	}
	return n
}

// wire notes the requests on their way to the server.
type wire struct {
	server *server
	next   http.RoundTripper
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.server.mu.Lock()
	w.server.requests = append(w.server.requests, request{r.Method, r.URL})
	w.server.mu.Unlock()
	return w.next.RoundTrip(r)
}

func newDeployment(name string) *deployment {
	selected := map[string]string{"app": name}
	return &deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: metav1.SetAsLabelSelector(selected),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: selected},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
			},
		},
	}
}
