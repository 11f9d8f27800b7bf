package controller

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
)

// TestG12ADeletionOfWhichNoStateIsKnown is what client-go tells of an object that it
// has no copy of: a panic in a handler would end the process. Kills: a last state that
// is taken for granted.
func TestG12ADeletionOfWhichNoStateIsKnown(t *testing.T) {
	c, r := idle(t)
	unknown := &cache.DeletedFinalStateUnknown{Key: "ns/a"}

	own := primary[*appsv1.Deployment, Funcs[*appsv1.Deployment]]{c, r}
	own.OnDelete(cache.DeletedObject[*appsv1.Deployment]{FinalStateUnknown: unknown})
	it, reasons, _, _ := r.queue.Get()
	key := types.NamespacedName{Namespace: "ns", Name: "a"}
	require.Equal(t, key, it.Key)
	require.Equal(t, []Reason{{Verb: VerbDeleted, Kind: schema.GroupKind{Group: "apps", Kind: "Deployment"}, Key: key}}, reasons)
	r.queue.Done(it)
	own.OnDelete(cache.DeletedObject[*appsv1.Deployment]{OptionalObj: &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a", ResourceVersion: "7"}}})
	it, reasons, _, _ = r.queue.Get()
	require.Equal(t, []Reason{{Verb: VerbDeleted, Kind: schema.GroupKind{Group: "apps", Kind: "Deployment"}, Key: key, ResourceVersion: "7"}}, reasons)
	r.queue.Done(it)

	other := secondary[*corev1.ConfigMap]{hub: r, kind: corev1.SchemeGroupVersion.WithKind("ConfigMap"), maps: []mapping[*corev1.ConfigMap]{{
		weight: queue.Change,
		keys: func(hub, *corev1.ConfigMap, *corev1.ConfigMap) []types.NamespacedName {
			return []types.NamespacedName{key}
		},
	}}}
	other.OnDelete(cache.DeletedObject[*corev1.ConfigMap]{FinalStateUnknown: unknown})
	require.Zero(t, r.queue.Len(), "nobody can tell what it belonged to")
}

// told is a hub that notes with which weight it is told of a key.
type told struct {
	hub
	weights []queue.Weight
}

func (h *told) add(_ types.NamespacedName, _ Reason, weight queue.Weight) {
	h.weights = append(h.weights, weight)
}

func (*told) arrived(journal.Ref) {}

// TestG10FirstListsAndResyncsOfChildrenAreBackground, as those of the objects themselves.
// Kills: children whose first list comes before the changes.
func TestG10FirstListsAndResyncsOfChildrenAreBackground(t *testing.T) {
	h := &told{}
	s := secondary[*corev1.ConfigMap]{hub: h, maps: []mapping[*corev1.ConfigMap]{{
		weight: queue.Change,
		keys: func(hub, *corev1.ConfigMap, *corev1.ConfigMap) []types.NamespacedName {
			return []types.NamespacedName{{Name: "a"}}
		},
	}}}
	child := func(rv string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c", ResourceVersion: rv}}
	}
	s.OnAdd(child("1"), true)
	s.OnUpdate(child("1"), child("1"))
	s.OnAdd(child("1"), false)
	s.OnUpdate(child("1"), child("2"))
	s.OnDelete(cache.DeletedObject[*corev1.ConfigMap]{OptionalObj: child("2")})
	require.Equal(t, []queue.Weight{queue.Background, queue.Background, queue.Change, queue.Change, queue.Change}, h.weights)
}

// TestG10DeletionIsNews also if a server does not count it as a change of the generation.
func TestG10DeletionIsNews(t *testing.T) {
	before := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{UID: "1", Generation: 3}}
	after := before.DeepCopy()
	require.False(t, isNews(before, after))
	after.DeletionTimestamp = &metav1.Time{}
	require.True(t, isNews(before, after))
	require.False(t, isNews(after, after.DeepCopy()))
}
