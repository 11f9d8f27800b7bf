package controller_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// TestG21APauseIsNewsWithoutAnotherGeneration: annotations of custom resources do not count as their spec, as those
// of Deployments do. The object fails, and a filter lets generations pass only. Kills: a pause, or its end, that
// waits for the end of a backoff, or that a filter hides.
func TestG21APauseIsNewsWithoutAnotherGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
		srv, err := sim.New(sim.Options{Kinds: sim.Schemaless(kind, true), Namespaces: []string{"ns"}})
		require.NoError(t, err)
		defer srv.Close()
		client, err := dynamic.NewForConfig(srv.Config())
		require.NoError(t, err)
		widgets := client.Resource(kind.GroupVersion().WithResource("widgets")).Namespace("ns")
		w := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": "a"}}}
		_, err = widgets.Create(t.Context(), w, metav1.CreateOptions{})
		require.NoError(t, err)

		var made calls
		user := controller.Funcs[*unstructured.Unstructured]{FinalizerName: ours, ApplyFunc: func(_ context.Context, w *unstructured.Unstructured) (action, error) {
			made.called("apply " + w.GetName())
			return controller.AwaitChange(), errBucket
		}}
		repo := repository.FromDynamic(client, kind.GroupVersion().WithResource("widgets"), kind)
		c, err := controller.New(repo, user, &controller.Options{Logger: zap.NewNop()})
		require.NoError(t, err)
		c.Filter(informer.GenerationChanged[*unstructured.Unstructured])
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		annotate := func(value string) {
			patch := `{"metadata":{"annotations":{"` + controller.PausedAnnotation + `":` + value + `}}}`
			after, err := widgets.Patch(t.Context(), "a", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			require.NoError(t, err)
			require.EqualValues(t, 1, after.GetGeneration())
		}
		require.Greater(t, len(made.settle(time.Hour)), 10)
		annotate(`"true"`)
		made.settle(time.Second)
		require.Equal(t, controller.ParkedPaused, c.Inspect(nsName("a")).Parked, "at once")
		require.Empty(t, made.settle(time.Hour))
		annotate("null")
		require.NotEmpty(t, made.settle(time.Millisecond), "at once")
		stop()
		require.NoError(t, <-done)
	})
}
