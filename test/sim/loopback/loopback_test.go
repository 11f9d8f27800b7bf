package loopback_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/test/sim"
	"github.com/kuberator/kuberator/test/sim/loopback"
)

func serve(t *testing.T, opts *loopback.Options) (*sim.Server, *loopback.Server) {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	served, err := loopback.Serve(srv, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, served.Close()) })
	return srv, served
}

func client(t *testing.T, cfg *rest.Config) kubernetes.Interface {
	t.Helper()
	c, err := kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	return c
}

func create(t *testing.T, c kubernetes.Interface, name string) {
	t.Helper()
	_, err := c.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(t, err)
}

// A client in another process sees what one in this process writes, and the other way round,
// watches included: each event as it happens, over HTTP/2.
func TestClientsOverTheNetwork(t *testing.T) {
	srv, served := serve(t, nil)
	cfg, err := clientcmd.BuildConfigFromFlags("", served.Kubeconfig())
	require.NoError(t, err)
	protocols := make(chan int, 100)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err == nil {
				protocols <- response.ProtoMajor
			}
			return response, err
		})
	})
	remote, local := client(t, cfg), client(t, srv.Config())
	changes, err := remote.CoreV1().ConfigMaps("default").Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer changes.Stop()
	require.Equal(t, 2, <-protocols)
	for _, name := range []string{"a", "b"} {
		create(t, local, name)
		event := <-changes.ResultChan()
		require.Equal(t, watch.Added, event.Type)
		require.Equal(t, name, event.Object.(*corev1.ConfigMap).Name)
	}
	create(t, remote, "c")
	found, err := local.CoreV1().ConfigMaps("default").Get(t.Context(), "c", metav1.GetOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, found.UID)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Another user of the machine, who has no token, may see whether the server is well.
func TestStrangers(t *testing.T) {
	_, served := serve(t, nil)
	stranger := client(t, rest.AnonymousClientConfig(served.Config()))
	_, err := stranger.CoreV1().ConfigMaps("default").List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err))
	require.ErrorContains(t, err, `User "system:anonymous" cannot list resource "configmaps"`)
	_, err = stranger.Discovery().ServerGroups()
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	_, err = stranger.Discovery().ServerVersion()
	require.NoError(t, err)

	guess := served.Config()
	guess.BearerToken = "admin"
	_, err = client(t, guess).Discovery().ServerVersion()
	require.True(t, apierrors.IsUnauthorized(err), "%v", err)

	requirePrivate(t, served.Kubeconfig())
}

// requirePrivate checks that others cannot read a file, where files have such rights.
func requirePrivate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

// Close ends watches, gives the port back and takes the temporary kubeconfig away.
func TestClose(t *testing.T) {
	_, served := serve(t, nil)
	changes, err := client(t, served.Config()).CoreV1().ConfigMaps("").Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	address := served.Config().Host[len("https://"):]
	folder := filepath.Dir(served.Kubeconfig())
	require.NoError(t, served.Close())
	for range changes.ResultChan() { // until it is closed
		continue
	}
	<-served.Done()
	require.NoError(t, served.Err())
	require.NoDirExists(t, folder)
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	require.NoError(t, listener.Close())
}

func TestServeOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	_, first := serve(t, &loopback.Options{Kubeconfig: path})
	require.Equal(t, path, first.Kubeconfig())
	requirePrivate(t, path)
	_, port, err := net.SplitHostPort(first.Config().Host[len("https://"):])
	require.NoError(t, err)
	taken, err := strconv.Atoi(port)
	require.NoError(t, err)

	srv, err := sim.New(sim.Options{})
	require.NoError(t, err)
	defer srv.Close()
	_, err = loopback.Serve(srv, &loopback.Options{Port: taken})
	require.ErrorContains(t, err, "serve the simulated API server: listen tcp 127.0.0.1:"+port)
	_, err = loopback.Serve(srv, &loopback.Options{Kubeconfig: filepath.Join(path, "inside")})
	require.ErrorContains(t, err, "serve the simulated API server: writing the kubeconfig of admin")
	require.NoError(t, first.Close())
	require.FileExists(t, path, "it was asked for by name")
}

// Clients find the Service of the server, and what stands in between sees their requests.
func TestServiceAndWrap(t *testing.T) {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("services")})
	require.NoError(t, err)
	defer srv.Close()
	seen := make(chan string, 100)
	opts := &loopback.Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			seen <- r.URL.Path
			return next.RoundTrip(r)
		})
	}}
	for range 2 { // the Service is there the second time
		served, err := loopback.Serve(srv, opts)
		require.NoError(t, err)
		found, err := client(t, served.Config()).CoreV1().Services("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, int32(443), found.Spec.Ports[0].Port)
		require.Equal(t, "/api/v1/namespaces/default/services/kubernetes", <-seen)
		stranger := client(t, rest.AnonymousClientConfig(served.Config()))
		_, err = stranger.CoreV1().Services("default").List(t.Context(), metav1.ListOptions{})
		require.True(t, apierrors.IsForbidden(err), "%v", err)
		<-seen
		require.NoError(t, served.Close())
	}
}
