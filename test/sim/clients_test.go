package sim_test

import (
	"context"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/sim"
)

var (
	mapResource    = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	widgetResource = schema.GroupVersionResource{Group: "conform.kuberator.dev", Version: "v1", Resource: "widgets"}
)

func widgets(t *testing.T) []sim.Kind {
	t.Helper()
	crds, err := os.ReadFile("../conform/testdata/crds.yaml")
	require.NoError(t, err)
	return sim.CRD(crds)
}

// The factories of informers take a minute to compile; test/clients has a test with them.

func typedInformer(client kubernetes.Interface) cache.SharedIndexInformer {
	return informerOf(client.CoreV1().ConfigMaps(metav1.NamespaceAll), &corev1.ConfigMap{})
}

// client is what the clients of all kinds have in common.
type client[L runtime.Object] interface {
	List(ctx context.Context, opts metav1.ListOptions) (L, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

func informerOf[L runtime.Object](of client[L], object runtime.Object) cache.SharedIndexInformer {
	return cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc:  func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return of.List(ctx, opts) },
		WatchFuncWithContext: of.Watch,
	}, object, 0, nil)
}

// Informers of all kinds of clients follow what happens, over ends of their watches, gaps in
// their history and hours of virtual time.
func TestInformers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: append(sim.Core("configmaps"), widgets(t)...), History: 5})
		dynamics, err := dynamic.NewForConfig(srv.Config())
		require.NoError(t, err)
		metadatas, err := metadata.NewForConfig(srv.Config())
		require.NoError(t, err)
		all := map[string]cache.SharedIndexInformer{
			"typed":               typedInformer(client),
			"dynamic":             informerOf(dynamics.Resource(widgetResource), &unstructured.Unstructured{}),
			"metadata":            informerOf(metadatas.Resource(mapResource), &metav1.PartialObjectMetadata{}),
			"metadata of widgets": informerOf(metadatas.Resource(widgetResource), &metav1.PartialObjectMetadata{}),
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for _, informer := range all {
			running.Go(func() { informer.RunWithContext(ctx) })
		}
		write := func(name string) {
			create(t, client.CoreV1().ConfigMaps("default"), name)
			_, err := dynamics.Resource(widgetResource).Namespace("default").Create(t.Context(), widget(name), metav1.CreateOptions{})
			require.NoError(t, err)
		}
		follow := func(name string) {
			for kind, informer := range all {
				_, exists, err := informer.GetStore().GetByKey("default/" + name)
				require.NoError(t, err)
				require.True(t, exists, "%s informer, %s", kind, name)
			}
		}
		synctest.Wait()
		write("a")
		synctest.Wait()
		follow("a")
		time.Sleep(5 * time.Hour) // all watches have timed out, and begun again
		write("b")
		synctest.Wait()
		follow("b")
		for _, kind := range []string{"configmaps", "widgets.conform.kuberator.dev"} {
			srv.Watches(kind).Gone()
		}
		write("c")
		time.Sleep(time.Minute) // they list again
		follow("c")
		cancel()
		running.Wait()
	})
}

func widget(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "conform.kuberator.dev/v1", "kind": "Widget", "metadata": map[string]any{"name": name}, "spec": map[string]any{"size": int64(1)},
	}}
}

func TestBookmarksAndTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps", "secrets")})
		maps := client.CoreV1().ConfigMaps("default")
		began := time.Now()
		w, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: create(t, maps, "a").ResourceVersion, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(150))})
		require.NoError(t, err)
		_, err = client.CoreV1().Secrets("default").Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		defer w.Stop()
		var at []time.Duration
		for e := range w.ResultChan() {
			require.Equal(t, watch.Bookmark, e.Type)
			require.Equal(t, srv.RV(), rv(t, e.Object.(*corev1.ConfigMap)), "a bookmark is of the newest state, of all kinds")
			at = append(at, time.Since(began))
		}
		require.Equal(t, []time.Duration{time.Minute, 2 * time.Minute, 148 * time.Second}, at)
		require.Equal(t, 150*time.Second, time.Since(began))
	})
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := start(t, sim.Options{Kinds: sim.Core("configmaps"), Latency: 3 * time.Second})
		maps := client.CoreV1().ConfigMaps("default")
		began := time.Now()
		create(t, maps, "a")
		require.Equal(t, 3*time.Second, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, maps.Delete(ctx, "a", metav1.DeleteOptions{}))
		require.Equal(t, 4*time.Second, time.Since(began))
		_, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
		require.NoError(t, err, "what was given up before it arrived has no effect")
	})
}

func TestPodsAreDeletedGracefully(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := start(t, sim.Options{Kinds: sim.Core("pods")})
		pods := client.CoreV1().Pods("default")
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
		_, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
		require.NoError(t, err)
		require.NoError(t, pods.Delete(t.Context(), "p", metav1.DeleteOptions{}))
		pod, err = pods.Get(t.Context(), "p", metav1.GetOptions{})
		require.NoError(t, err)
		require.EqualValues(t, 30, *pod.DeletionGracePeriodSeconds)
		require.Equal(t, 30*time.Second, time.Until(pod.DeletionTimestamp.Time))
		pod.Labels = map[string]string{"l": "1"}
		_, err = pods.Update(t.Context(), pod, metav1.UpdateOptions{})
		require.NoError(t, err)
		require.NoError(t, pods.Delete(t.Context(), "p", metav1.DeleteOptions{}))
		_, err = pods.Get(t.Context(), "p", metav1.GetOptions{})
		require.NoError(t, err, "it is being deleted already")
		require.NoError(t, pods.Delete(t.Context(), "p", *metav1.NewDeleteOptions(0)))
		_, err = pods.Get(t.Context(), "p", metav1.GetOptions{})
		require.True(t, apierrors.IsNotFound(err), err)
	})
}

func TestErrorsOfNew(t *testing.T) {
	const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n"
	for name, c := range map[string]struct {
		kinds []sim.Kind
		want  string
	}{
		"unknown":      {sim.Core("configmap"), `kind "configmap": client-go's scheme has no such resource; write it in the plural, with its group, as in "deployments.apps"`},
		"other kind":   {sim.CRD([]byte("apiVersion: v1\nkind: Secret\n")), "document 1 of CRD: it is a Secret of v1, and no CustomResourceDefinition of apiextensions.k8s.io/v1"},
		"no yaml":      {sim.CRD([]byte(crd+"spec: {group: example.com, scope: Cluster, names: {plural: things, kind: Thing}, versions: []}"), []byte("{")), "document 2 of CRD: "},
		"no versions":  {sim.CRD([]byte(crd + "spec: {group: example.com, scope: Cluster, names: {plural: things, kind: Thing}, versions: []}")), "kind things.example.com: "},
		"wrong schema": {sim.CRD([]byte(crd + "spec: {group: example.com, scope: Cluster, names: {plural: things, kind: Thing}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {type: nothing}}}}}]}")), "spec.versions[0].schema.openAPIV3Schema"},
		"wrong name":   {sim.CRD([]byte(crd + "spec: {group: other.com, scope: Cluster, names: {plural: things, kind: Thing}, versions: []}")), "metadata.name"},
		"empty Kind":   {[]sim.Kind{{}}, "a Kind that is neither of Core nor of CRD"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, err := sim.New(sim.Options{Kinds: c.kinds})
			require.ErrorContains(t, err, "simulated API server: ")
			require.ErrorContains(t, err, c.want)
			require.Nil(t, srv)
		})
	}
}

// Who closes the server ends everything that it has begun: a bubble does not end before.
func TestCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), GarbageCollection: true, NamespaceDeletion: true})
		require.NoError(t, err)
		client, err := kubernetes.NewForConfig(srv.Config())
		require.NoError(t, err)
		w, err := client.CoreV1().ConfigMaps("").Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		srv.Close()
		_, over := events(w)
		require.True(t, over)
		_, err = client.CoreV1().ConfigMaps("default").Get(t.Context(), "a", metav1.GetOptions{})
		require.Error(t, err)
		require.False(t, apierrors.IsNotFound(err))
		srv.Close() // again
	})
}

// Typed clients get lists as Protobuf, and others as JSON: both have the same content.
func TestListsAsProtobuf(t *testing.T) {
	srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
	maps := client.CoreV1().ConfigMaps("default")
	cm := configMap("a")
	cm.Labels, cm.Data, cm.BinaryData = map[string]string{"l": "1"}, map[string]string{"k": "v"}, map[string][]byte{"b": {0, 1}}
	cm, err := maps.Create(t.Context(), cm, metav1.CreateOptions{})
	require.NoError(t, err)
	create(t, maps, "b")
	typed, err := maps.List(t.Context(), metav1.ListOptions{Limit: 1})
	require.NoError(t, err)
	require.NotEmpty(t, typed.Continue)
	require.EqualValues(t, 1, *typed.RemainingItemCount)
	require.Equal(t, []corev1.ConfigMap{*cm}, typed.Items)

	var media string
	config := srv.Config()
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			media = response.Header.Get("Content-Type")
			return response, err
		})
	})
	_, err = configMaps(t, config).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Equal(t, "application/vnd.kubernetes.protobuf", media)
	dynamics, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	untyped, err := dynamics.Resource(mapResource).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Equal(t, "application/json", media)
	require.Len(t, untyped.Items, 2)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
