package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

// ok in the place of an error class means that the server does it.
const ok = kerr.Class(255)

// answer is one row: what is done to the object, a fresh one for each row, and what
// the server says.
type answer struct {
	row   string
	do    func(w *world, obj *Widget) error
	code  int32
	class kerr.Class
}

func jsonPatch(patch string) func(*world, *Widget) error {
	return func(w *world, obj *Widget) error {
		patch := strings.ReplaceAll(patch, "$UID", string(obj.UID))
		_, err := w.repo.Patch(w.t.Context(), obj, types.JSONPatchType, []byte(patch))
		return err
	}
}

func mergePatch(patch string, sub ...string) func(*world, *Widget) error {
	return func(w *world, obj *Widget) error {
		_, err := w.merge(obj, patch, sub...)
		return err
	}
}

func deleted(then func(*world, *Widget) error) func(*world, *Widget) error {
	return func(w *world, obj *Widget) error {
		if err := w.repo.Delete(w.t.Context(), obj); err != nil {
			return err
		}
		return then(w, obj)
	}
}

func heldAndDeleted(then func(*world, *Widget) error) func(*world, *Widget) error {
	return func(w *world, obj *Widget) error {
		held, err := w.merge(obj, `{"metadata":{"finalizers":["other.example.com/x"]}}`)
		if err != nil {
			return err
		}
		return deleted(then)(w, held)
	}
}

func createWith(change func(*Widget)) func(*world, *Widget) error {
	return func(w *world, obj *Widget) error {
		other := w.widget(obj.Name + "-2")
		change(other)
		_, err := w.repo.Create(w.t.Context(), other)
		return err
	}
}

func text(kib int) func(*Widget) {
	return func(obj *Widget) { obj.Spec.Text = strings.Repeat("x", kib<<10) }
}

func applied(sub string, uid bool) func(*world, *Widget) error {
	return func(w *world, obj *Widget) error {
		bare := w.widget(obj.Name)
		if uid {
			bare.UID = obj.UID
		}
		if sub == "" {
			_, err := w.repo.Apply(w.t.Context(), bare, "e2e")
			return err
		}
		client, err := dynamic.NewForConfig(shared.Config())
		if err != nil {
			return err
		}
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group.String(), "kind": "Widget", "status": map[string]any{"size": int64(1)}}}
		u.SetName(obj.Name)
		_, err = client.Resource(widgets).Namespace(w.namespace).ApplyStatus(w.t.Context(), obj.Name, u, metav1.ApplyOptions{FieldManager: "e2e"})
		return err
	}
}

// TestG16AnswersOfTheServer is the ground that kerr.ClassOf, package finalizer and
// package status stand on.
func TestG16AnswersOfTheServer(t *testing.T) {
	w := newWorld(t)
	fivethousand := make([]string, 5000)
	for i := range fivethousand {
		fivethousand[i] = fmt.Sprintf("example.com/f%d", i)
	}
	rows := []answer{
		{"E1 a failed test of the finalizers", jsonPatch(`[{"op":"test","path":"/metadata/finalizers","value":["x"]},{"op":"add","path":"/spec/size","value":1}]`), 422, kerr.ClassInvalid},
		{"E1 an index out of range", jsonPatch(`[{"op":"remove","path":"/metadata/finalizers/5"}]`), 422, kerr.ClassInvalid},
		{"E1 a failed test of the UID", jsonPatch(`[{"op":"test","path":"/metadata/uid","value":"other"}]`), 422, kerr.ClassInvalid},
		{"E1 the right UID", jsonPatch(`[{"op":"test","path":"/metadata/uid","value":"$UID"}]`), 0, ok},
		{"E2 a merge patch with another UID", mergePatch(`{"metadata":{"uid":"other"}}`), 422, kerr.ClassInvalid},
		{"E3 a merge patch with an old resourceVersion", mergePatch(`{"metadata":{"resourceVersion":"1"},"spec":{"size":1}}`), 409, kerr.ClassConflict},
		{"E4 a new finalizer while deleting", heldAndDeleted(mergePatch(`{"metadata":{"finalizers":["other.example.com/x","e2e.kuberator.dev/y"]}}`)), 422, kerr.ClassInvalid},
		{"E7 the same finalizer twice", createWith(func(obj *Widget) { obj.Finalizers = []string{"example.com/x", "example.com/x"} }), 0, ok},
		{"E7 an unqualified finalizer", createWith(func(obj *Widget) { obj.Finalizers = []string{"unqualified"} }), 0, ok},
		{"E7 a finalizer that is no name", createWith(func(obj *Widget) { obj.Finalizers = []string{"not a name"} }), 422, kerr.ClassInvalid},
		{"E8 a test for null where there is nothing", jsonPatch(`[{"op":"test","path":"/metadata/finalizers","value":null}]`), 0, ok},
		{"E10 1400 KiB", createWith(text(1400)), 0, ok},
		{"E10 1540 KiB", createWith(text(1540)), 500, kerr.ClassTooLarge},
		{"E10 3100 KiB", createWith(text(3100)), 413, kerr.ClassTooLarge},
		{"E10 300 KiB of annotations", createWith(func(obj *Widget) { obj.Annotations = map[string]string{"a": strings.Repeat("x", 300<<10)} }), 422, kerr.ClassInvalid},
		{"E10 5000 finalizers", createWith(func(obj *Widget) { obj.Finalizers = fivethousand }), 0, ok},
		{"E19 server-side apply after the deletion, with the UID", deleted(applied("", true)), 409, kerr.ClassConflict},
		{"E19 server-side apply after the deletion, to the status", deleted(applied("status", false)), 404, kerr.ClassNotFound},
		{"E19 server-side apply after the deletion, without the UID", deleted(applied("", false)), 0, ok},
		{"a value that the schema refuses", mergePatch(`{"spec":{"size":5000}}`), 422, kerr.ClassInvalid},
		{"not JSON", mergePatch(`{`), 400, kerr.ClassInvalid},
		{"an object that exists", func(w *world, obj *Widget) error {
			_, err := w.repo.Create(w.t.Context(), w.widget(obj.Name))
			return err
		}, 409, kerr.ClassAlreadyExists},
		{"an object that is gone", deleted(mergePatch(`{"spec":{"size":1}}`)), 404, kerr.ClassNotFound},
	}
	for i, row := range rows {
		t.Run(row.row, func(t *testing.T) {
			obj := w.create(w.widget(fmt.Sprintf("row-%d", i)))
			err := row.do(w, obj)
			if row.class == ok {
				require.NoError(t, err)
				return
			}
			status := apierrors.APIStatus(nil)
			require.ErrorAs(t, err, &status)
			require.Equal(t, row.code, status.Status().Code, "%v", err)
			require.Equal(t, row.class, kerr.ClassOf(err), "%v", err)
		})
	}
}

func TestG16WhoMayNotAndWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	nobody, err := shared.ServiceAccount(t.Context(), w.namespace, "nobody")
	require.NoError(t, err)
	stranger := shared.Config()
	stranger.BearerToken = "not a token"
	for name, c := range map[string]struct {
		cfg   *rest.Config
		code  int32
		class kerr.Class
	}{"401": {stranger, 401, kerr.ClassForbidden}, "403": {nobody, 403, kerr.ClassForbidden}} {
		repo, err := repository.New[Widget](c.cfg, newScheme("Widget"), widgets)
		require.NoError(t, err)
		_, err = repo.Get(t.Context(), w.key("x"))
		status := apierrors.APIStatus(nil)
		require.ErrorAs(t, err, &status, name)
		require.Equal(t, c.code, status.Status().Code)
		require.Equal(t, c.class, kerr.ClassOf(err))
	}
	missing, err := repository.New[Widget](shared.Config(), newScheme("Widget"), group.WithResource("gizmos"))
	require.NoError(t, err)
	_, err = missing.Get(t.Context(), w.key("x"))
	require.ErrorIs(t, err, kerr.ErrNotServed, "a resource that is not served")
	require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err), "and no object is gone")

	require.NoError(t, w.admin.CoreV1().Namespaces().Delete(t.Context(), w.namespace, metav1.DeleteOptions{}))
	_, err = w.repo.Create(t.Context(), w.widget("late"))
	if !apierrors.IsNotFound(err) { // the namespace may be gone already
		require.True(t, apierrors.HasStatusCause(err, "NamespaceTerminating"), "%v", err)
		require.Equal(t, kerr.ClassForbidden, kerr.ClassOf(err))
	}
}

// TestG16StatusWithoutSubresource is row E14: the 404 of a missing subresource looks
// like that of a missing object.
func TestG16StatusWithoutSubresource(t *testing.T) {
	w := newWorld(t)
	repo, err := repository.New[Widget](shared.Config(), newScheme("Plain"), plains)
	require.NoError(t, err)
	obj, err := repo.Create(t.Context(), w.widget("plain"))
	require.NoError(t, err)
	_, err = status.Patch(t.Context(), repo, obj, WidgetStatus{Size: 1})
	require.Equal(t, kerr.ClassNoStatusSubresource, kerr.ClassOf(err), "%v", err)
	require.NoError(t, repo.Delete(t.Context(), obj))
	_, err = status.Patch(t.Context(), repo, obj, WidgetStatus{Size: 1})
	require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err), "%v", err)
}

// TestG9NoOpWritesAreNoEvents is row E15.
func TestG9NoOpWritesAreNoEvents(t *testing.T) {
	w := newWorld(t)
	obj, err := status.Patch(t.Context(), w.repo, w.create(w.widget("w")), WidgetStatus{Size: 1})
	require.NoError(t, err)
	for _, do := range []func(*world, *Widget) error{
		mergePatch(`{"status":{"size":1}}`, "status"),
		mergePatch(`{"status":{"size":2}}`), // the status through the main resource
		mergePatch(`{"metadata":{"finalizers":["example.com/x"]}}`, "status"),
	} {
		require.NoError(t, do(w, obj))
		require.Equal(t, obj.ResourceVersion, w.live("w").ResourceVersion)
	}
}

// TestG4DeleteByUID is row E18.
func TestG4DeleteByUID(t *testing.T) {
	w := newWorld(t)
	old := w.create(w.widget("w"))
	require.NoError(t, w.repo.Delete(t.Context(), old))
	w.create(w.widget("w"))
	require.NoError(t, w.repo.Delete(t.Context(), old))
	require.NotNil(t, w.live("w"), "the new object is left alone")
}

// TestG8AnOldWatchExpires is row E17, and E6: a DELETED event still shows the
// finalizers that are gone.
func TestG8AnOldWatchExpires(t *testing.T) {
	w := newWorld(t)
	lw := cache.ToListerWatcherWithContext(w.repo.ListerWatcher())
	old, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{ResourceVersion: "1"})
	if err == nil {
		defer old.Stop()
		event := <-old.ResultChan()
		require.Equal(t, watch.Error, event.Type)
		err = apierrors.FromObject(event.Object)
	}
	require.True(t, apierrors.IsResourceExpired(err), "%v", err)
	require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err))

	obj := w.create(w.widget("w"))
	obj, err = w.merge(obj, `{"metadata":{"finalizers":["example.com/x"]}}`)
	require.NoError(t, err)
	require.NoError(t, w.repo.Delete(t.Context(), obj))
	fresh, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{ResourceVersion: w.live("w").ResourceVersion})
	require.NoError(t, err)
	defer fresh.Stop()
	require.NoError(t, finalizer.Remove(t.Context(), w.repo, "example.com/x", obj))
	event := <-fresh.ResultChan()
	require.Equal(t, watch.Deleted, event.Type)
	require.Equal(t, []string{"example.com/x"}, event.Object.(*Widget).Finalizers)
}

// TestG4FinalizerOnTheServer takes the finalizer through what the server does to it.
func TestG4FinalizerOnTheServer(t *testing.T) {
	w := newWorld(t)
	calls := 0
	count := func(context.Context, *Widget) (int, error) { calls++; return calls, nil }
	reconcile := func(obj *Widget) error {
		_, err := finalizer.Reconcile(t.Context(), w.repo, ours, obj, count, count)
		return err
	}
	t.Run("deleted between the read and the add", func(t *testing.T) {
		obj := w.create(w.widget("a"))
		held, err := w.merge(obj, `{"metadata":{"finalizers":["other.example.com/x"]}}`)
		require.NoError(t, err)
		require.NoError(t, w.repo.Delete(t.Context(), held))
		require.NoError(t, reconcile(obj))
		require.Zero(t, calls)
		require.Equal(t, []string{"other.example.com/x"}, w.live("a").Finalizers)
	})
	t.Run("replaced between the read and the add", func(t *testing.T) {
		obj := w.create(w.widget("b"))
		require.NoError(t, w.repo.Delete(t.Context(), obj))
		w.create(w.widget("b"))
		require.NoError(t, reconcile(obj))
		require.Zero(t, calls)
		require.Empty(t, w.live("b").Finalizers)
	})
	t.Run("all copies are removed and no other", func(t *testing.T) {
		obj := w.widget("c")
		obj.Finalizers = []string{ours, "other.example.com/x", ours, "unqualified"}
		obj = w.create(obj)
		require.NoError(t, w.repo.Delete(t.Context(), obj))
		require.NoError(t, reconcile(w.live("c")))
		require.Equal(t, 1, calls)
		require.Equal(t, []string{"other.example.com/x", "unqualified"}, w.live("c").Finalizers)
	})
	t.Run("one of 5000", func(t *testing.T) {
		obj := w.widget("d")
		for i := range 5000 {
			obj.Finalizers = append(obj.Finalizers, fmt.Sprintf("example.com/f%d", i))
		}
		require.NoError(t, reconcile(w.create(obj)))
		require.Len(t, w.live("d").Finalizers, 5001)
	})
	t.Run("server-side apply cannot remove it", func(t *testing.T) { // row E23
		obj := w.widget("e")
		obj.Finalizers = []string{ours}
		w.create(obj)
		_, err := w.repo.Apply(t.Context(), obj, "e2e")
		require.NoError(t, err)
		obj.Finalizers = nil
		_, err = w.repo.Apply(t.Context(), obj, "e2e")
		require.NoError(t, err)
		require.Equal(t, []string{ours}, w.live("e").Finalizers, "its creator owns it too")
	})
}

// TestStatusOnTheServer sets, clears and leaves alone.
func TestStatusOnTheServer(t *testing.T) {
	w := newWorld(t)
	obj := w.create(w.widget("w"))
	obj, err := status.Patch(t.Context(), w.repo, obj, WidgetStatus{Size: 1, Note: "n"})
	require.NoError(t, err)
	require.Equal(t, WidgetStatus{ObservedGeneration: 1, Size: 1, Note: "n"}, obj.Status)
	obj, err = status.Patch(t.Context(), w.repo, obj, WidgetStatus{Size: 2})
	require.NoError(t, err)
	require.Equal(t, WidgetStatus{ObservedGeneration: 1, Size: 2}, w.live("w").Status)

	_, err = status.Patch(t.Context(), w.repo, obj, WidgetStatus{Size: 5000})
	require.Equal(t, kerr.ClassInvalid, kerr.ClassOf(err))
	require.ErrorContains(t, err, "less than or equal to 1000")

	obj, err = status.Patch(t.Context(), w.repo, obj, WidgetStatus{})
	require.NoError(t, err)
	require.Equal(t, WidgetStatus{ObservedGeneration: 1}, obj.Status)

	w.wire.reset()
	_, err = status.Patch(t.Context(), w.repo, obj, WidgetStatus{})
	require.NoError(t, err)
	require.Zero(t, w.wire.count(http.MethodPatch, "")+w.wire.count(http.MethodGet, ""))

	require.NoError(t, w.repo.Delete(t.Context(), obj))
	w.create(w.widget("w"))
	_, err = status.Patch(t.Context(), w.repo, obj, WidgetStatus{Size: 3})
	require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err))
	require.Zero(t, w.live("w").Status)
	step, isStep := errors.AsType[*kerr.Error](err)
	require.True(t, isStep)
	require.Equal(t, kerr.OpPatchStatus, step.Op)
}
