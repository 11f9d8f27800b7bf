package informer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"

	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// TestG19TheCacheKeepsWhatRepeatsOnce looks where the strings of two objects are. Kills: not
// sharing them; sharing those of typed objects only.
func TestG19TheCacheKeepsWhatRepeatsOnce(t *testing.T) {
	gvr, gvk := corev1.SchemeGroupVersion.WithResource("configmaps"), corev1.SchemeGroupVersion.WithKind("ConfigMap")
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
		require.NoError(t, err)
		defer srv.Close()
		for _, name := range []string{"a", "b"} {
			_, err := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().ConfigMaps("default").Create(t.Context(), repetitive(name), metav1.CreateOptions{})
			require.NoError(t, err)
		}
		typed, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, gvr)
		require.NoError(t, err)
		repetitions(t, typed, metaStrings)
		repetitions(t, repository.FromMetadata(metadata.NewForConfigOrDie(srv.Config()), gvr, gvk), metaStrings)
		repetitions(t, repository.FromDynamic(dynamic.NewForConfigOrDie(srv.Config()), gvr, gvk), func(u *unstructured.Unstructured) []string {
			owner := u.Object["metadata"].(map[string]any)["ownerReferences"].([]any)[0].(map[string]any)
			return slices.Concat(keys(u.Object), keys(u.Object["metadata"].(map[string]any)), keys(owner))
		})
	})
}

// repetitive returns an object that has what all others have too.
func repetitive(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: "default", Finalizers: []string{"example.com/f"},
		Labels: map[string]string{"example.com/label": name}, Annotations: map[string]string{"example.com/annotation": name},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Owner", Name: name, UID: "u"}},
	}}
}

// metaStrings returns the strings of obj that are to be shared.
func metaStrings[T repository.Object](obj T) []string {
	owner := obj.GetOwnerReferences()[0]
	kind := obj.GetObjectKind().(*metav1.TypeMeta)
	return slices.Concat([]string{obj.GetNamespace(), kind.APIVersion, kind.Kind, owner.APIVersion, owner.Kind}, obj.GetFinalizers(), keys(obj.GetLabels()), keys(obj.GetAnnotations()))
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// repetitions fails if strings of two cached objects are not at the same place.
func repetitions[T repository.Object](t *testing.T, repo repository.Repository[T], of func(T) []string) {
	t.Helper()
	in, err := New(repo, nil)
	require.NoError(t, err)
	r, err := in.acquire(t.Context(), nil)
	require.NoError(t, err)
	defer in.release(r)
	synctest.Wait()
	objs := in.ViewList()
	require.Len(t, objs, 2)
	first, second := of(objs[0]), of(objs[1])
	require.Equal(t, first, second)
	require.Greater(t, len(first), 5)
	for n := range first {
		require.Same(t, unsafe.StringData(first[n]), unsafe.StringData(second[n]), "%T: %q", objs[0], first[n])
	}
}

func TestG19TheTableOfSharedStringsIsBounded(t *testing.T) {
	s := &shared{}
	for n := range 10 * mostShared {
		s.one(fmt.Sprint("label-", n))
		require.LessOrEqual(t, len(s.known), mostShared)
	}
	long := strings.Repeat("x", longestShared+1)
	require.Equal(t, long, s.one(long))
	require.NotContains(t, s.known, long)
}
