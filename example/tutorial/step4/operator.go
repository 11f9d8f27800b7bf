package main

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/repository"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step4/api/v1"
)

// Operator serves each Website with a Deployment.
type Operator struct {
	sites       *repository.Live[*webv1.Website]
	configMaps  *repository.Live[*corev1.ConfigMap]
	deployments *repository.Live[*appsv1.Deployment]
	services    *repository.Live[*corev1.Service]
	events      event.Recorder
	dns         DNS
}

// Apply makes the cluster match the Website, and says in the status how far that is.
func (o *Operator) Apply(ctx context.Context, site *webv1.Website) (controller.Action, error) {
	deployment, err := o.serve(ctx, site)
	return controller.AwaitChange(), errors.Join(err, o.report(ctx, site, deployment, err))
}

// serve makes the cluster and the DNS match the Website, and returns its Deployment.
func (o *Operator) serve(ctx context.Context, site *webv1.Website) (*appsv1.Deployment, error) {
	if err := validate(site); err != nil {
		return nil, err
	}
	if err := o.publish(ctx, site); err != nil {
		return nil, err
	}
	return o.applyChildren(ctx, site)
}
