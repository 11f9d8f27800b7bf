package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// sizes labels each Deployment with the size that the ConfigMap "defaults" of its namespace asks for.
type sizes struct {
	deployments *repository.Live[*appsv1.Deployment]
	cache       *informer.Informer[*corev1.ConfigMap]
}

func (sizes) Finalizer() string { return controller.NoFinalizer }

func (s sizes) Apply(ctx context.Context, d *appsv1.Deployment) (controller.Action, error) {
	defaults, err := s.cache.Get(ctx, types.NamespacedName{Namespace: d.Namespace, Name: "defaults"})
	switch {
	case apierrors.IsNotFound(err):
		return controller.AwaitChange(), nil // its creation wakes this Deployment
	case err != nil:
		return controller.AwaitChange(), err
	}
	want := d.DeepCopy()
	metav1.SetMetaDataLabel(&want.ObjectMeta, "example.com/size", defaults.Data["size"])
	_, err = s.deployments.Update(ctx, d, want) // sends nothing if nothing differs
	return controller.AwaitChange(), err
}

func (sizes) Cleanup(context.Context, *appsv1.Deployment) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// newSizes returns the controller. It sends no request.
func newSizes(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
	deployments, err := repository.New[appsv1.Deployment](cfg, scheme.Scheme, appsv1.SchemeGroupVersion.WithResource("deployments"))
	if err != nil {
		return nil, err
	}
	configMaps, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return nil, err
	}
	cache, err := informer.New(configMaps, nil)
	if err != nil {
		return nil, err
	}
	c, err := controller.New(deployments, sizes{deployments, cache}, opts)
	if err != nil {
		return nil, err
	}
	controller.References(c, cache)
	return c, nil
}
