package main

import (
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step5/api/v1"
)

// Controller is the controller of Websites.
type Controller = controller.Controller[*webv1.Website, *Operator]

// New returns the controller for the API server of cfg. It gives the operator its repositories: each reads
// and writes the objects of one kind.
func New(cfg *rest.Config, o *Operator, opts *controller.Options) (*Controller, error) {
	known, err := newScheme()
	if err != nil {
		return nil, err
	}
	var errs [4]error
	o.sites, errs[0] = repository.New[webv1.Website](cfg, known, webv1.Resource())
	o.configMaps, errs[1] = repository.New[corev1.ConfigMap](cfg, known, corev1.SchemeGroupVersion.WithResource("configmaps"))
	o.services, errs[2] = repository.New[corev1.Service](cfg, known, corev1.SchemeGroupVersion.WithResource("services"))
	o.deployments, errs[3] = repository.New[appsv1.Deployment](cfg, known, appsv1.SchemeGroupVersion.WithResource("deployments"))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	c, err := controller.New(o.sites, o, opts)
	if err != nil {
		return nil, err
	}
	return c, errors.Join(own(c, o.configMaps), own(c, o.services), own(c, o.deployments))
}

// own makes a change of a child a reason to call Apply for the Website that it belongs to.
func own[T repository.Object](c *Controller, children *repository.Live[T]) error {
	cache, err := informer.New(children, nil)
	if err != nil {
		return err
	}
	controller.Owns(c, cache)
	return nil
}

// newScheme returns what knows the Go types of the kinds: those of Kubernetes, and yours.
func newScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	return s, errors.Join(scheme.AddToScheme(s), webv1.AddToScheme(s))
}
