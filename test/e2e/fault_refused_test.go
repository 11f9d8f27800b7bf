package e2e_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

// mirror keeps a child with the text of the widget, and says in the status what the
// server says to that.
func (w *world) mirror(r refusal) *controller.Controller[*Widget, controller.Funcs[*Widget]] {
	w.t.Helper()
	live := repository.FromDynamic(w.dynamic(), r.gvr, r.gvr.GroupVersion().WithKind(r.kind), repository.InNamespaces(w.namespace))
	children, err := informer.New(live, nil)
	require.NoError(w.t, err)
	child := func(ctx context.Context, obj *Widget) error {
		want := &unstructured.Unstructured{Object: map[string]any{"apiVersion": r.gvr.GroupVersion().String(), "kind": r.kind}}
		want.SetNamespace(obj.Namespace)
		want.SetName(obj.Name)
		want.Object[r.field] = map[string]any{"text": obj.Spec.Text}
		if err := repository.SetController(obj, group.WithKind("Widget"), want); err != nil {
			return err
		}
		have, err := children.Get(ctx, repository.Key(want))
		switch {
		case apierrors.IsNotFound(err):
			_, err = live.Create(ctx, want)
			return err
		case err != nil:
			return err
		}
		after := have.DeepCopy()
		after.Object[r.field] = want.Object[r.field]
		_, err = live.Update(ctx, have, after)
		return err
	}
	apply := func(ctx context.Context, obj *Widget) (controller.Action, error) {
		err := child(ctx, obj)
		_, failed := status.PatchError(ctx, w.repo, obj, &noted{WidgetStatus{Size: 1}}, err)
		if failed != nil {
			return controller.AwaitChange(), failed
		}
		return controller.AwaitChange(), err
	}
	opts := w.options()
	opts.MinBackoff, opts.MaxBackoff = minRefused, maxRefused
	c, err := controller.New(w.repo, controller.Funcs[*Widget]{FinalizerName: ours, ApplyFunc: apply}, opts)
	require.NoError(w.t, err)
	controller.Owns(c, children)
	return c
}

const minRefused, maxRefused = 10 * time.Millisecond, 160 * time.Millisecond

// TestFault19RefusedChildren has the server refuse a child for as long as it takes the
// backoff to reach its cap, and then no more. Red if a refusal is of a class that is
// not tried again, or without a growing wait, if its text is copied into the
// status or the log as it comes, if the same text is written again with each
// failure, or if the object does not converge once the server agrees.
func TestFault19RefusedChildren(t *testing.T) {
	for name, r := range refusals {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r.raise(t, w)
			w.start(w.mirror(r))
			obj := w.widget("w")
			obj.Spec.Text = "a"
			w.create(obj)
			if r.then != "" {
				w.until("applied", isApplied(w.key("w")))
				w.wire.reset()
				_, err := w.merge(obj, `{"spec":{"text":"`+r.then+`"}}`)
				require.NoError(t, err)
			}
			w.refused(t, r)
			r.lift(t, w)
			w.until("that succeeds", func(a controller.Attempt) bool {
				return isApplied(w.key("w"))(a) && w.live("w").Status.Note == ""
			})
			obj = w.live("w")
			require.Equal(t, WidgetStatus{ObservedGeneration: obj.Generation, Size: 1}, obj.Status)
			child, err := w.dynamic().Resource(r.gvr).Namespace(w.namespace).Get(t.Context(), "w", metav1.GetOptions{})
			require.NoError(t, err)
			text, _, err := unstructured.NestedString(child.Object, r.field, "text")
			require.NoError(t, err)
			require.Equal(t, obj.Spec.Text, text)
		})
	}
}

// refused watches seven failures in a row.
func (w *world) refused(t *testing.T, r refusal) {
	t.Helper()
	for n := 1; n <= 7; n++ {
		a := w.until("that is refused", func(a controller.Attempt) bool { return a.Err != nil })
		require.Equal(t, r.class, kerr.ClassOf(a.Err), "%v", a.Err)
		require.Equal(t, n, a.Failures)
		full := min(minRefused<<(n-1), maxRefused)
		require.LessOrEqual(t, a.Next, full)
		require.GreaterOrEqual(t, a.Next, full*8/10)
		if len(r.then) > 1 {
			require.Greater(t, len(a.Err.Error()), kerr.MaxMessage)
			require.LessOrEqual(t, len(a.Err.Error()), 17<<10, "no hook gets all that a tenant wrote")
		}
	}
	note := w.live("w").Status.Note
	require.Contains(t, note, r.says)
	require.LessOrEqual(t, len(note), kerr.MaxMessage)
	require.Equal(t, 1, w.wire.count(http.MethodPatch, "/w/status"), "it is news once")
	failed := w.logs.FilterMessage("attempt failed").All()
	require.NotEmpty(t, failed)
	for _, entry := range failed {
		require.LessOrEqual(t, len(entry.ContextMap()["error"].(string)), kerr.MaxLog)
		require.False(t, strings.ContainsAny(entry.ContextMap()["error"].(string), "\n\r"))
	}
}
