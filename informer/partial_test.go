package informer_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	metadatafake "k8s.io/client-go/metadata/fake"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// An object of which only the metadata is known says which kind it is of: from the cache, from the server, and
// after a write. Kills: events that are about a PartialObjectMetadata; a fake whose objects are changed.
func TestG17MetadataSaysOfWhichKindItIs(t *testing.T) {
	gvr, gvk := corev1.SchemeGroupVersion.WithResource("configmaps"), corev1.SchemeGroupVersion.WithKind("ConfigMap")
	want := metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}
	check := func(t *testing.T, client metadata.Interface) {
		repo := repository.FromMetadata(client, gvr, gvk)
		in, err := informer.New(repo, nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = in.Run(ctx) }()
		synctest.Wait()
		key := types.NamespacedName{Namespace: "a", Name: "1"}
		cached, err := in.Get(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, cached.TypeMeta)
		live, err := repo.Get(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, live.TypeMeta)
		list, err := repo.List(t.Context(), "a", metav1.ListOptions{})
		require.NoError(t, err)
		require.Equal(t, want, list[0].TypeMeta)
		patched, err := repo.Patch(t.Context(), live, types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`))
		require.NoError(t, err)
		require.Equal(t, want, patched.TypeMeta)
		synctest.Wait()
		cached, err = in.Get(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, cached.TypeMeta)
		require.Equal(t, "b", cached.Labels["a"])
	}
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"a"}})
		require.NoError(t, err)
		defer srv.Close()
		_, err = kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().ConfigMaps("a").Create(t.Context(), cm("a", "1"), metav1.CreateOptions{})
		require.NoError(t, err)
		check(t, metadata.NewForConfigOrDie(srv.Config()))
	})
	synctest.Test(t, func(t *testing.T) {
		s := runtime.NewScheme()
		require.NoError(t, metav1.AddMetaToScheme(s))
		check(t, metadatafake.NewSimpleMetadataClient(s, &metav1.PartialObjectMetadata{TypeMeta: want, ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "1"}}))
	})
}
