package e2e_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/cluster"
)

// next returns the next event that is not a bookmark.
func next(t *testing.T, w watch.Interface) (watch.Event, bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case event, open := <-w.ResultChan():
			if event.Type != watch.Bookmark {
				return event, open
			}
		case <-deadline:
			require.FailNow(t, "no event within a minute")
		}
	}
}

// TestG16RevokedRightsLeaveAWatchOpen is row E11.
func TestG16RevokedRightsLeaveAWatchOpen(t *testing.T) {
	w := newWorld(t)
	cfg := w.as("revoked", []rbacv1.PolicyRule{{APIGroups: []string{group.Group}, Resources: []string{widgets.Resource}, Verbs: []string{"list", "watch"}}})
	repo, err := repository.New[Widget](cfg, newScheme("Widget"), widgets, repository.InNamespaces(w.namespace))
	require.NoError(t, err)
	lw := cache.ToListerWatcherWithContext(repo.ListerWatcher())
	open, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer open.Stop()
	require.NoError(t, w.admin.RbacV1().RoleBindings(w.namespace).Delete(t.Context(), "revoked", metav1.DeleteOptions{}))
	denied := func(ctx context.Context) (bool, error) { // the authoriser learns of it by a watch of its own
		_, err = repo.List(ctx, "", metav1.ListOptions{})
		return err != nil, nil
	}
	require.NoError(t, wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, denied))
	require.True(t, apierrors.IsForbidden(err))
	require.Equal(t, kerr.ClassForbidden, kerr.ClassOf(err))
	w.create(w.widget("late"))
	event, ok := next(t, open)
	require.True(t, ok)
	require.Equal(t, watch.Added, event.Type)
}

// TestG16PutNeedsAResourceVersion is row E13.
func TestG16PutNeedsAResourceVersion(t *testing.T) {
	w := newWorld(t)
	w.create(w.widget("w"))
	client, err := dynamic.NewForConfig(shared.Config())
	require.NoError(t, err)
	obj := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group.String(), "kind": "Widget", "spec": map[string]any{"size": int64(1)}}}
	obj.SetName("w")
	_, err = client.Resource(widgets).Namespace(w.namespace).Update(t.Context(), obj, metav1.UpdateOptions{})
	status := apierrors.APIStatus(nil)
	require.ErrorAs(t, err, &status)
	require.EqualValues(t, 422, status.Status().Code)
	require.Equal(t, kerr.ClassInvalid, kerr.ClassOf(err))
}

// TestG16KindThatIsBeingDeleted is row E12: an object with a finalizer outlives the
// deletion of its CustomResourceDefinition, and can be cleaned up.
func TestG16KindThatIsBeingDeleted(t *testing.T) {
	w := newWorld(t)
	gvr := group.WithResource("leavers")
	require.NoError(t, cluster.InstallCRDs(t.Context(), shared.Config(), definition(gvr, "Leaver", true)))
	repo, err := repository.New[Widget](w.cfg, newScheme("Leaver"), gvr, repository.InNamespaces(w.namespace))
	require.NoError(t, err)
	obj := w.widget("w")
	obj.Finalizers = []string{ours}
	obj, err = repo.Create(t.Context(), obj)
	require.NoError(t, err)
	lw := cache.ToListerWatcherWithContext(repo.ListerWatcher())
	events, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{ResourceVersion: obj.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()

	crds, err := dynamic.NewForConfig(shared.Config())
	require.NoError(t, err)
	require.NoError(t, crds.Resource(crdResource).Delete(t.Context(), "leavers."+group.Group, metav1.DeleteOptions{}))
	event, ok := next(t, events)
	require.True(t, ok)
	require.Equal(t, watch.Modified, event.Type)
	require.NotNil(t, event.Object.(*Widget).DeletionTimestamp)
	_, err = repo.Create(t.Context(), w.widget("late"))
	refusal := apierrors.APIStatus(nil)
	require.ErrorAs(t, err, &refusal)
	require.Contains(t, []kerr.Class{kerr.ClassForbidden, kerr.ClassInvalid}, kerr.ClassOf(err), "%v", err)

	require.NoError(t, finalizer.Remove(t.Context(), repo, ours, obj))
	event, ok = next(t, events)
	require.True(t, ok)
	require.Equal(t, watch.Deleted, event.Type)
	unserved := func(ctx context.Context) (bool, error) {
		_, err = repo.Get(ctx, w.key("w"))
		return errors.Is(err, kerr.ErrNotServed), nil
	}
	require.NoError(t, wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, unserved))
	require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err))
	for ok { // the stream ends with the kind
		_, ok = next(t, events)
	}
}
