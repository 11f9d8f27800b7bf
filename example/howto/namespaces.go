package main

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// newConfined returns a controller of the ConfigMaps in some namespaces, or in all if none are given.
func newConfined(
	cfg *rest.Config, namespaces []string, user controller.Context[*corev1.ConfigMap], opts *controller.Options,
) (controller.Runner, error) {
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"),
		repository.InNamespaces(namespaces...))
	if err != nil {
		return nil, err
	}
	return controller.New(repo, user, opts)
}
