package controller_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// TestG10DeletionEndsABackoffOfAKindWithoutGeneration, which does not count deletions
// either. Kills: news that only the generation tells.
func TestG10DeletionEndsABackoffOfAKindWithoutGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a"}})
		repo := repository.FromClient(s.Clientset, corev1.SchemeGroupVersion.WithKind("ConfigMap"), s.Clientset.CoreV1().ConfigMaps)
		cleaned := 0
		user := controller.Funcs[*corev1.ConfigMap]{
			FinalizerName: ours,
			ApplyFunc:     func(context.Context, *corev1.ConfigMap) (action, error) { return controller.AwaitChange(), errBucket },
			CleanupFunc: func(context.Context, *corev1.ConfigMap) (action, error) {
				cleaned++
				return controller.AwaitChange(), nil
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- controller.Run(ctx, repo, user, &controller.Options{Logger: zap.NewNop()}) }()
		time.Sleep(time.Hour) // the backoff is five minutes by now
		require.NoError(t, s.Clientset.CoreV1().ConfigMaps("ns").Delete(ctx, "a", metav1.DeleteOptions{}))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, 1, cleaned)
		cancel()
		require.NoError(t, <-done)
	})
}
