package main

import (
	"context"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// greet runs a controller that logs with a logger of the program, until ctx ends.
func greet(ctx context.Context, cfg *rest.Config, logger *slog.Logger) error {
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	apply := func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
		controller.Slog(ctx).Info("greeted", "greeting", "hello, "+cm.Name)
		return controller.AwaitChange(), nil
	}
	greeter := controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer, ApplyFunc: apply}
	return controller.Run(ctx, repo, greeter, &controller.Options{Slog: logger})
}
