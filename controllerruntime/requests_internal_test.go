package controllerruntime

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// A client that lists first, as one does that cannot stream lists, misses nothing: what changed since is told,
// and after something went it is told to list again.
func TestAListAndAWatch(t *testing.T) {
	r := newRequests(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	a, b := types.NamespacedName{Name: "a"}, types.NamespacedName{Name: "b"}
	r.ask(a)
	listed, err := r.List(metav1.ListOptions{})
	require.NoError(t, err)
	list := listed.(*metav1.PartialObjectMetadataList)
	require.Len(t, list.Items, 1)
	r.ask(b)
	w, err := r.Watch(metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	event := <-w.ResultChan()
	require.Equal(t, watch.Added, event.Type)
	require.Equal(t, "b", event.Object.(*head).Name)
	r.ask(a)
	require.Equal(t, watch.Modified, (<-w.ResultChan()).Type)
	r.done(b, event.Object.(*head).ResourceVersion)
	require.Equal(t, watch.Deleted, (<-w.ResultChan()).Type)
	w.Stop()
	w.Stop()
	_, open := <-w.ResultChan()
	require.False(t, open)
	require.Empty(t, r.streams)
	_, err = r.Watch(metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.True(t, apierrors.IsResourceExpired(err), "%v", err)
}

// What happened since a call began is not forgotten with it.
func TestDoneForgetsNoNews(t *testing.T) {
	r := newRequests(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	a := types.NamespacedName{Name: "a"}
	r.ask(a)
	before, err := r.Get(t.Context(), a)
	require.NoError(t, err)
	r.ask(a)
	r.done(a, before.ResourceVersion)
	now, err := r.Get(t.Context(), a)
	require.NoError(t, err)
	require.Equal(t, before.Generation, now.Generation)
	r.see(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "1"}})
	now, err = r.Get(t.Context(), a)
	require.NoError(t, err)
	require.Equal(t, types.UID("1"), now.UID)
	require.Greater(t, now.Generation, before.Generation)
	r.done(a, now.ResourceVersion)
	require.True(t, r.has(a), "it exists")
	r.gone(a)
	now, err = r.Get(t.Context(), a)
	require.NoError(t, err)
	r.done(a, now.ResourceVersion)
	_, err = r.Get(t.Context(), a)
	require.True(t, apierrors.IsNotFound(err))
}

// A write of the status is no news: it must not end the backoff of the reconcile that wrote it.
func TestNews(t *testing.T) {
	r := newRequests(corev1.SchemeGroupVersion.WithKind("Pod"))
	now := metav1.Now()
	generation := int64(0)
	for _, step := range []struct {
		obj  metav1.ObjectMeta
		news bool
	}{
		{metav1.ObjectMeta{UID: "1", Generation: 1, ResourceVersion: "1"}, true},
		{metav1.ObjectMeta{UID: "1", Generation: 1, ResourceVersion: "2"}, false},
		{metav1.ObjectMeta{UID: "1", Generation: 2, ResourceVersion: "3"}, true},
		{metav1.ObjectMeta{UID: "1", Generation: 2, ResourceVersion: "4", DeletionTimestamp: &now}, true},
		{metav1.ObjectMeta{UID: "1", Generation: 2, ResourceVersion: "5", DeletionTimestamp: &now}, false},
		{metav1.ObjectMeta{UID: "2", Generation: 2, ResourceVersion: "6"}, true},
		{metav1.ObjectMeta{UID: "2", ResourceVersion: "7"}, true},
		{metav1.ObjectMeta{UID: "2", ResourceVersion: "7"}, false}, // a resync
		{metav1.ObjectMeta{UID: "2", ResourceVersion: "8"}, true},
	} {
		step.obj.Name = "a"
		r.see(&corev1.Pod{ObjectMeta: step.obj})
		got, err := r.Get(t.Context(), types.NamespacedName{Name: "a"})
		require.NoError(t, err)
		require.Equal(t, step.news, got.Generation > generation, "%v", step.obj)
		generation = got.Generation
	}
}
