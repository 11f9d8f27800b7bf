package informer_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// podOfAShop is a Pod as a Deployment makes it, with two containers.
func podOfAShop(i int) *corev1.Pod {
	container := func(name string) (c corev1.Container) {
		c.Name, c.Image = name, "registry.example.com/shop/"+name+":v1.2.3"
		for n := range 10 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", n), Value: fmt.Sprintf("the value of setting %d of Pod %d", n, i)})
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: fmt.Sprintf("volume-%d", n), MountPath: fmt.Sprintf("/var/lib/%s/%d", name, n)})
		}
		return c
	}
	pod := labelled("default", fmt.Sprintf("web-%d", i), "web")
	pod.Spec.Containers = []corev1.Container{container("web"), container("proxy")}
	for n := range 10 {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: fmt.Sprintf("volume-%d", n)})
	}
	return pod
}

// TestWhatACacheTakes compares a cache of whole Pods with what docs/howto/memory.md advises. Kills: a
// transform, or a cache of metadata, that keeps more than it must.
func TestWhatACacheTakes(t *testing.T) {
	if os.Getenv("KUBE_CACHE_MUTATION_DETECTOR") != "" {
		t.Skip("client-go keeps a copy of each object")
	}
	const pods = 200
	srv, err := sim.New(sim.Options{Kinds: sim.Core("pods")})
	require.NoError(t, err)
	defer srv.Close()
	repo, err := repository.New[corev1.Pod](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("pods"))
	require.NoError(t, err)
	for i := range pods {
		_, err := repo.Create(t.Context(), podOfAShop(i))
		require.NoError(t, err)
	}
	client, err := metadata.NewForConfig(srv.Config())
	require.NoError(t, err)
	names := repository.FromMetadata(client, corev1.SchemeGroupVersion.WithResource("pods"), corev1.SchemeGroupVersion.WithKind("Pod"))

	whole := footprint(t, repo, nil, nil) / pods
	withFields := footprint(t, repo, &informer.Options{KeepManagedFields: true}, nil) / pods
	shrunk := footprint(t, repo, nil, namesOnly) / pods
	named := footprint[*metav1.PartialObjectMetadata](t, names, nil, nil) / pods
	one, err := repo.GetUnstructured(t.Context(), repository.Key(podOfAShop(0)))
	require.NoError(t, err)
	text, err := one.MarshalJSON()
	require.NoError(t, err)
	t.Logf("a Pod is %d bytes of JSON; bytes in memory for each: with managedFields %d, whole %d, shrunk by a transform %d, metadata only %d", len(text), withFields, whole, shrunk, named)
	require.Greater(t, withFields, whole)
	require.Less(t, 2*shrunk, whole)
	require.Less(t, 2*named, whole)
}

// footprint returns the bytes that a cache takes.
func footprint[T repository.Object](t *testing.T, repo repository.Repository[T], opts *informer.Options, transform func(T) T) int {
	t.Helper()
	in, err := informer.New(repo, opts)
	require.NoError(t, err)
	require.NoError(t, in.SetTransform(transform))
	before := live()
	subscription, err := in.Keep(t.Context(), func(err error) { t.Error(err) })
	require.NoError(t, err)
	cache.WaitFor(context.WithoutCancel(t.Context()), "", subscription.Synced()...)
	took := live() - before
	require.NoError(t, subscription.Stop())
	return took
}

// live returns the bytes of the objects that are in use.
func live() int {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
