package main

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

func TestHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}})
		repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
		applied := 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := controller.Run(ctx, repo, hello{}, &controller.Options{Observer: controller.ObserverFuncs{
			EndedFunc: func(context.Context, controller.Attempt) { applied++ },
		}})
		require.NoError(t, err)
		require.Equal(t, 1, applied)
	})
}
