package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

// newHosts returns a controller that makes a Service of type ExternalName for each ConfigMap with a host.
// It changes opts, which must not be nil.
func newHosts(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
	configMaps, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return nil, err
	}
	services, err := repository.New[corev1.Service](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("services"))
	if err != nil {
		return nil, err
	}
	apply := func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
		if cm.Data["host"] == "" {
			return controller.AwaitChange(), nil
		}
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: cm.Name}}
		_, err := services.Ensure(ctx, service, func(s *corev1.Service) error {
			s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, cm.Data["host"]
			return repository.SetController(cm, corev1.SchemeGroupVersion.WithKind("ConfigMap"), s)
		})
		return controller.AwaitChange(), err
	}
	opts.NoStatus = true // no status of a ConfigMap is written
	return controller.New(configMaps, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer, ApplyFunc: apply}, opts)
}

// hostOptions has the rights that apply needs. The library adds its own.
var hostOptions = &operator.Options{
	Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: []string{"get", "create", "patch"}}, // for Ensure
	},
}
