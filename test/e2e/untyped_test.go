package e2e_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

// TestControllersWithoutAGoType takes a widget through its life as a map, and as
// metadata alone.
func TestControllersWithoutAGoType(t *testing.T) {
	w := newWorld(t)
	kind := group.WithKind("Widget")
	only := informer.Options{Namespaces: []string{w.namespace}}

	client, err := dynamic.NewForConfig(w.cfg)
	require.NoError(t, err)
	maps := repository.FromDynamic(client, widgets, kind)
	opts := w.options()
	opts.Informer = only
	asMap, err := controller.New(maps, controller.Funcs[*unstructured.Unstructured]{
		FinalizerName: "e2e.kuberator.dev/map",
		ApplyFunc: func(ctx context.Context, obj *unstructured.Unstructured) (controller.Action, error) {
			size, _, err := unstructured.NestedInt64(obj.Object, "spec", "size")
			if err == nil {
				_, err = status.Patch(ctx, maps, obj, map[string]any{"size": size})
			}
			return controller.AwaitChange(), err
		},
	}, opts)
	require.NoError(t, err)

	metas, err := metadata.NewForConfig(w.cfg)
	require.NoError(t, err)
	partial := repository.FromMetadata(metas, widgets, kind)
	opts = w.options()
	opts.Informer, opts.Name = only, "metadata"
	asMetadata, err := controller.New(partial, controller.Funcs[*metav1.PartialObjectMetadata]{FinalizerName: "e2e.kuberator.dev/metadata"}, opts)
	require.NoError(t, err)
	_, err = partial.Create(t.Context(), &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "x"}})
	require.Equal(t, kerr.ClassInvalid, kerr.ClassOf(err))

	w.start(asMap)
	w.start(asMetadata)
	obj := w.widget("w")
	obj.Spec.Size = 7
	obj = w.create(obj)
	by := func(name string, op kerr.Op) {
		t.Helper()
		w.until(name+" "+string(op), func(a controller.Attempt) bool { return a.Controller == name && a.Op == op && a.Err == nil })
	}
	by("widget", kerr.OpApply)
	require.Equal(t, 7, w.live("w").Status.Size)
	w.until("metadata apply", func(a controller.Attempt) bool { return len(w.live("w").Finalizers) == 2 })
	require.NoError(t, w.repo.Delete(t.Context(), obj))
	for w.live("w") != nil {
		w.until("that cleans up", func(a controller.Attempt) bool { return a.Op == kerr.OpCleanup })
	}
}
