package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step2/api/v1"
)

// Operator serves each Website with a Deployment.
type Operator struct {
	sites       *repository.Live[*webv1.Website]
	configMaps  *repository.Live[*corev1.ConfigMap]
	deployments *repository.Live[*appsv1.Deployment]
	services    *repository.Live[*corev1.Service]
}

// Finalizer returns none: Kubernetes deletes the children of a Website with it.
func (*Operator) Finalizer() string { return controller.NoFinalizer }

// Apply makes the cluster match the Website.
func (o *Operator) Apply(ctx context.Context, site *webv1.Website) (controller.Action, error) {
	_, err := o.applyChildren(ctx, site)
	return controller.AwaitChange(), err
}

// Cleanup is never called, as there is no finalizer.
func (*Operator) Cleanup(context.Context, *webv1.Website) (controller.Action, error) {
	return controller.AwaitChange(), nil
}
