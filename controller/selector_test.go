package controller_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// TestAnObjectThatLeavesTheSelectorKeepsItsFinalizer, also when it is deleted then, until it matches again: as
// docs/howto/lists.md warns.
func TestAnObjectThatLeavesTheSelectorKeepsItsFinalizer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
		require.NoError(t, err)
		defer srv.Close()
		repo, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		require.NoError(t, err)
		cm, err := repo.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a", Labels: map[string]string{"app": "web"}}})
		require.NoError(t, err)
		cleanups := 0
		user := controller.Funcs[*corev1.ConfigMap]{FinalizerName: "example.com/hello", CleanupFunc: func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
			cleanups++
			return controller.AwaitChange(), nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- controller.Run(ctx, repo, user, &controller.Options{
				Informer: informer.Options{LabelSelector: labels.SelectorFromSet(labels.Set{"app": "web"})},
			})
		}()
		label := func(app string) {
			time.Sleep(time.Hour)
			before, err := repo.Get(t.Context(), repository.Key(cm))
			require.NoError(t, err)
			require.NotEmpty(t, before.Finalizers)
			after := before.DeepCopy()
			after.Labels["app"] = app
			_, err = repo.Update(t.Context(), before, after)
			require.NoError(t, err)
			time.Sleep(time.Hour)
		}
		label("db")
		require.NoError(t, repo.Delete(t.Context(), cm))
		label("other")
		require.Zero(t, cleanups)
		label("web")
		require.Equal(t, 1, cleanups)
		_, err = repo.Get(t.Context(), repository.Key(cm))
		require.Error(t, err)
		cancel()
		require.NoError(t, <-ended)
	})
}
