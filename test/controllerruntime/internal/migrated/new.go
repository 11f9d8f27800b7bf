package migrated

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
)

// New takes the place of SetupWithManager.
func New(cfg *rest.Config, opts *controller.Options) (c *controller.Controller[*website.Website, *Operator], err error) {
	o, scheme := &Operator{}, website.Scheme()
	if o.websites, err = repository.New[website.Website](cfg, scheme, website.GroupVersion.WithResource("websites")); err != nil {
		return nil, err
	}
	if o.deployments, err = repository.New[appsv1.Deployment](cfg, scheme, appsv1.SchemeGroupVersion.WithResource("deployments")); err != nil {
		return nil, err
	}
	if o.services, err = repository.New[corev1.Service](cfg, scheme, corev1.SchemeGroupVersion.WithResource("services")); err != nil {
		return nil, err
	}
	routes := repository.InNamespaces(website.Routes)
	if o.routes, err = repository.New[corev1.ConfigMap](cfg, scheme, corev1.SchemeGroupVersion.WithResource("configmaps"), routes); err != nil {
		return nil, err
	}
	deployments, err := informer.New(o.deployments, nil)
	if err != nil {
		return nil, err
	}
	services, err := informer.New(o.services, nil)
	if err != nil {
		return nil, err
	}
	if c, err = controller.New(o.websites, o, opts); err != nil {
		return nil, err
	}
	controller.Owns(c, deployments)
	controller.Owns(c, services)
	return c, nil
}
