package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// sites publishes the ConfigMaps that have the label site=true.
type sites struct{}

func (sites) Finalizer() string { return "example.com/site" }

func (sites) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	controller.Slog(ctx).Info("published", "text", cm.Data["text"])
	return controller.AwaitChange(), nil
}

// Cleanup is called when a site is deleted, and when it loses the label.
func (sites) Cleanup(ctx context.Context, _ *corev1.ConfigMap) (controller.Action, error) {
	controller.Slog(ctx).Info("taken down")
	return controller.AwaitChange(), nil
}

// newSites returns the controller. It sends no request.
func newSites(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return nil, err
	}
	return controller.New(repo, sites{}, opts)
}

// Selects implements controller.Selector.
func (sites) Selects(cm *corev1.ConfigMap) bool { return cm.Labels["site"] == "true" }
