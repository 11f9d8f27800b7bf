package controller_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
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

// TestS8WhateverBlocksADeletionIsSaid: Cleanup, the removal of the finalizer, or a read before Cleanup.
// The attempt that ends it is not one that is blocked.
func TestS8WhateverBlocksADeletionIsSaid(t *testing.T) {
	for name, verb := range map[string]string{"removal": "patch", "read": "get", "cleanup": ""} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				var up atomic.Bool
				b.user.CleanupFunc = func(context.Context, *deployment) (action, error) {
					if verb == "" && !up.Load() {
						return controller.AwaitChange(), errBucket
					}
					return controller.AwaitChange(), nil
				}
				b.start()
				b.settle(time.Second)
				if verb != "" {
					b.fail(fault.On(verb, "deployments.apps").Matching(func(*http.Request) bool { return !up.Load() }).Then(fault.Forbidden()))
				}
				b.delete("a")
				b.settle(time.Minute)
				for _, a := range b.took() {
					require.False(t, a.DeletionBlocked, "not yet")
				}
				b.settle(time.Hour)
				blocked := b.took()
				require.NotEmpty(t, blocked)
				require.True(t, blocked[len(blocked)-1].DeletionBlocked)
				logs := b.logs.FilterMessage("deletion is blocked").Len()
				require.NotZero(t, logs)
				up.Store(true)
				b.settle(time.Hour)
				require.Nil(t, b.live("a"))
				ended := b.took()
				require.False(t, ended[len(ended)-1].DeletionBlocked)
				require.Equal(t, logs, b.logs.FilterMessage("deletion is blocked").Len())
			}, labelled("a", "old"))
		})
	}
}
