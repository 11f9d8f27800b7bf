package controller

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/repository"
)

// TestG12ADeletionOfWhichNoStateIsKnown is what client-go tells of an object that it
// has no copy of: a panic in a handler would end the process. Kills: a last state that
// is taken for granted.
func TestG12ADeletionOfWhichNoStateIsKnown(t *testing.T) {
	cs := fake.NewClientset()
	repo := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	c, err := New(repo, Funcs[*appsv1.Deployment]{FinalizerName: NoFinalizer}, nil)
	require.NoError(t, err)
	r, err := c.begin()
	require.NoError(t, err)
	defer r.queue.ShutDown()
	unknown := &cache.DeletedFinalStateUnknown{Key: "ns/a"}

	own := primary[*appsv1.Deployment, Funcs[*appsv1.Deployment]]{c, r}
	own.OnDelete(cache.DeletedObject[*appsv1.Deployment]{FinalStateUnknown: unknown})
	it, reasons, _, _ := r.queue.Get()
	key := types.NamespacedName{Namespace: "ns", Name: "a"}
	require.Equal(t, key, it.Key)
	require.Equal(t, []Reason{{Verb: VerbDeleted, Kind: "Deployment", Key: key}}, reasons)
	r.queue.Done(it)

	other := secondary[*corev1.ConfigMap]{hub: r, kind: corev1.SchemeGroupVersion.WithKind("ConfigMap"), maps: []mapping[*corev1.ConfigMap]{{
		keys: func(hub, *corev1.ConfigMap, *corev1.ConfigMap) []types.NamespacedName {
			return []types.NamespacedName{key}
		},
	}}}
	other.OnDelete(cache.DeletedObject[*corev1.ConfigMap]{FinalStateUnknown: unknown})
	require.Zero(t, r.queue.Len(), "nobody can tell what it belonged to")
}
