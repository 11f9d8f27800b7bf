package controller_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/internal/testserver"
	"github.com/kuberator/kuberator/repository"
)

// BenchmarkNoOpReconcile is the loop alone: enqueue, snapshot, an Apply that does
// nothing, settle. Most of the bytes are the copy of the object.
func BenchmarkNoOpReconcile(b *testing.B) {
	const objects = 100
	keys := make([]types.NamespacedName, objects)
	objs := make([]metav1.Object, objects)
	for i := range objects {
		d := newDeployment("d" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		d.Finalizers = []string{ours}
		objs[i], keys[i] = d, repository.Key(d)
	}
	s := testserver.New(objs...)
	repo := repository.FromClient(s.Clientset, appsv1.SchemeGroupVersion.WithKind("Deployment"), s.Clientset.AppsV1().Deployments)
	done := make(chan struct{}, objects)
	c, err := controller.New(repo, controller.Funcs[*deployment]{FinalizerName: ours}, &controller.Options{
		Workers: 2, Logger: zap.NewNop(), OnAttempt: func(controller.Attempt) { done <- struct{}{} },
	})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go func() { _ = c.Run(ctx) }()
	for range objects {
		<-done
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += objects {
		for _, key := range keys {
			c.Enqueue(key)
		}
		for range objects {
			<-done
		}
	}
}
