package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// store is a storage in memory.
type store struct {
	mu    sync.Mutex
	names map[string]bool
}

func (s *store) create(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = true
	return nil
}

func (s *store) remove(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
	return nil
}

func (s *store) list(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.names)), nil
}

// Kills: a bucket on the page that stays when its object is gone, also if that was before the start.
func TestBucketsGoWithTheirObjects(t *testing.T) {
	s := &store{names: map[string]bool{bucketOf("of-an-object-that-is-gone"): true}}
	of := func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
		return newBuckets(cfg, s, opts)
	}
	play(t, of, nil, func(t *testing.T, client kubernetes.Interface) {
		kept, gone := create(t, client, configMap("kept", nil)), create(t, client, configMap("gone", nil))
		time.Sleep(time.Minute)
		made, err := s.list(t.Context())
		require.NoError(t, err)
		require.Contains(t, made, bucketOf(gone.UID))
		require.NoError(t, client.CoreV1().ConfigMaps("default").Delete(t.Context(), "gone", metav1.DeleteOptions{}))
		time.Sleep(time.Minute)
		left, err := s.list(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{bucketOf(kept.UID)}, left)
	})
}

// server returns a simulated server with some ConfigMaps, one of them with a finalizer.
func server(t *testing.T, kinds []sim.Kind) *sim.Server {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: kinds, Namespaces: []string{"red"}})
	require.NoError(t, err)
	client := kubernetes.NewForConfigOrDie(srv.Config())
	red, held := configMap("world", nil), configMap("held", nil)
	red.Namespace, held.Finalizers = "red", []string{"example.com/site"}
	create(t, client, red)
	create(t, client, held)
	return srv
}

// applied is a controller that notes what it was called for.
func applied[T repository.Object](keys *[]string) controller.Funcs[T] {
	var mu sync.Mutex
	return controller.Funcs[T]{FinalizerName: controller.NoFinalizer, ApplyFunc: func(_ context.Context, obj T) (controller.Action, error) {
		mu.Lock()
		defer mu.Unlock()
		*keys = append(*keys, obj.GetNamespace()+"/"+obj.GetName())
		return controller.AwaitChange(), nil
	}}
}

// runs runs a controller for a minute.
func runs(t *testing.T, c controller.Runner, err error) {
	t.Helper()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, c.Run(ctx))
}

// Kills: a repository on the page that is not confined.
func TestNamespacesAreConfined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := server(t, sim.Core("configmaps"))
		defer srv.Close()
		var keys []string
		c, err := newConfined(srv.Config(), []string{"red"}, applied[*corev1.ConfigMap](&keys), nil)
		runs(t, c, err)
		require.Equal(t, []string{"red/world"}, keys)
	})
}

// Kills: a program on the page that leaves finalizers.
func TestReleaseRemovesFinalizers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := server(t, sim.Core("configmaps"))
		defer srv.Close()
		require.NoError(t, release(t.Context(), srv.Config(), sites{}))
		cm, err := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().ConfigMaps("default").Get(t.Context(), "held", metav1.GetOptions{})
		require.NoError(t, err)
		require.Empty(t, cm.Finalizers)
	})
}

// Kills: a transform on the page that is not set.
func TestPodsAreSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := server(t, sim.Core("configmaps", "pods"))
		defer srv.Close()
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"app": "web"}}}
		pod.Spec.Containers = []corev1.Container{{Name: "web", Image: "web"}}
		_, err := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{})
		require.NoError(t, err)
		pods, err := smallPods(srv.Config())
		require.NoError(t, err)
		subscription, err := pods.Keep(t.Context(), func(err error) { t.Error(err) })
		require.NoError(t, err)
		time.Sleep(time.Minute)
		all, err := pods.List(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, "web", all[0].Labels["app"])
		require.Empty(t, all[0].Spec.Containers)
		require.NoError(t, subscription.Stop())
	})
}

// Kills: a kind on the page that is not found, and Pods whose changes lead nowhere.
func TestUntypedKindsHaveControllers(t *testing.T) {
	lamp := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Lamp"}
	synctest.Test(t, func(t *testing.T) {
		srv := server(t, append(sim.Core("configmaps", "pods"), sim.Schemaless(lamp, false)...))
		defer srv.Close()
		desk := &unstructured.Unstructured{}
		desk.SetGroupVersionKind(lamp)
		desk.SetName("desk")
		desk.SetNamespace("default")
		created, err := lamps(dynamic.NewForConfigOrDie(srv.Config())).Create(t.Context(), desk)
		require.NoError(t, err)
		var keys []string
		c, err := newLamps(srv.Config(), applied[*unstructured.Unstructured](&keys), nil)
		require.NoError(t, err)
		time.AfterFunc(30*time.Second, func() {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "bulb", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(created, lamp)}}}
			pod.Spec.Containers = []corev1.Container{{Name: "web", Image: "web"}}
			if _, err := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().Pods("default").Create(context.Background(), pod, metav1.CreateOptions{}); err != nil {
				t.Error(err)
			}
		})
		runs(t, c, nil)
		require.Equal(t, []string{"default/desk", "default/desk"}, keys)
	})
}
