package controller_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

func TestRunAppliesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b", UID: "u"}})
		repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
		applied := 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: "example.com/x", ApplyFunc: func(ctx context.Context, obj *corev1.ConfigMap) (controller.Action, error) {
			applied++
			require.Contains(t, obj.Finalizers, "example.com/x")
			return controller.AwaitChange(), nil
		}}, &controller.Options{OnAttempt: func(a controller.Attempt) { t.Logf("%+v", a) }})
		require.NoError(t, err)
		go func() { done <- c.Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		require.NoError(t, <-done)
		for _, a := range cs.Actions() {
			t.Logf("%s %s %v", a.GetVerb(), a.GetResource(), a)
		}
		require.Equal(t, 1, applied)
	})
}
