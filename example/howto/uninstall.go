package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// release calls Cleanup for all ConfigMaps that carry the finalizer of user, and removes it.
// No other process may run the controller meanwhile.
func release(ctx context.Context, cfg *rest.Config, user controller.Context[*corev1.ConfigMap]) error {
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	c, err := controller.New(repo, user, nil)
	if err != nil {
		return err
	}
	return c.ReleaseAll(ctx)
}
