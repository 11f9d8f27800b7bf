// Package migrated is package website after its migration to this library: it does the same with the same objects, so
// that one can take the place of the other in a cluster. docs/migrate/controller-runtime.md shows both.
package migrated

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
)

// Operator runs each Website as a Deployment behind a Service, and tells the world of it by a route.
type Operator struct {
	websites    *repository.Live[*website.Website]
	deployments *repository.Live[*appsv1.Deployment]
	services    *repository.Live[*corev1.Service]
	routes      *repository.Live[*corev1.ConfigMap]
}

// Finalizer holds a Website until its route is gone.
func (o *Operator) Finalizer() string { return website.Finalizer }

// Apply brings one site to what its spec asks for.
func (o *Operator) Apply(ctx context.Context, site *website.Website) (controller.Action, error) {
	deployment, err := o.deployment(ctx, site)
	if err != nil {
		return controller.AwaitChange(), err
	}
	if err := o.service(ctx, site); err != nil {
		return controller.AwaitChange(), err
	}
	if err := o.route(ctx, site); err != nil {
		return controller.AwaitChange(), err
	}
	return controller.AwaitChange(), o.report(ctx, site, deployment)
}

// Cleanup removes what no owner reference reaches.
func (o *Operator) Cleanup(ctx context.Context, site *website.Website) (controller.Action, error) {
	return controller.AwaitChange(), o.routes.Delete(ctx, routeOf(site))
}

var kind = website.GroupVersion.WithKind("Website")

func (o *Operator) deployment(ctx context.Context, site *website.Website) (*appsv1.Deployment, error) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: site.Name}}
	return o.deployments.Ensure(ctx, d, func(d *appsv1.Deployment) error {
		labels := map[string]string{"site": site.Name}
		d.Spec.Replicas = &site.Spec.Replicas
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		d.Spec.Template.Labels = labels
		if len(d.Spec.Template.Spec.Containers) == 0 {
			d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "site"}}
		}
		d.Spec.Template.Spec.Containers[0].Image = site.Spec.Image
		return repository.SetController(site, kind, d)
	})
}

func (o *Operator) service(ctx context.Context, site *website.Website) error {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: site.Name}}
	_, err := o.services.Ensure(ctx, s, func(s *corev1.Service) error {
		s.Spec.Selector = map[string]string{"site": site.Name}
		if len(s.Spec.Ports) == 0 {
			s.Spec.Ports = []corev1.ServicePort{{Port: 80}}
		}
		return repository.SetController(site, kind, s)
	})
	return err
}

func routeOf(site *website.Website) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: website.Routes, Name: site.Namespace + "." + site.Name}}
}

func (o *Operator) route(ctx context.Context, site *website.Website) error {
	_, err := o.routes.Ensure(ctx, routeOf(site), func(route *corev1.ConfigMap) error {
		route.Data = map[string]string{"to": site.Name + "." + site.Namespace + ".svc"}
		return nil
	})
	return err
}

// report writes the status, if it is another one.
func (o *Operator) report(ctx context.Context, site *website.Website, d *appsv1.Deployment) error {
	site.Status.ObservedGeneration = site.Generation
	ready := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Starting", ObservedGeneration: site.Generation}
	if d.Status.ReadyReplicas >= site.Spec.Replicas {
		ready.Status, ready.Reason = metav1.ConditionTrue, "Running"
	}
	meta.SetStatusCondition(&site.Status.Conditions, ready)
	_, err := status.Patch(ctx, o.websites, site, site.Status)
	return err
}
