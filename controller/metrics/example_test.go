package metrics_test

import (
	"context"
	"fmt"
	"log"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/repository"
)

type hello struct{}

func (hello) Finalizer() string { return controller.NoFinalizer }

func (hello) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	fmt.Println("hello,", cm.Name)
	return controller.AwaitChange(), nil
}

func (hello) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// measured runs an operator whose metrics are in a registry of its own. Serve them with
// promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).
func measured(ctx context.Context, cfg *rest.Config) error {
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		return err
	}
	repo, err := repository.New[corev1.ConfigMap](m.Instrument(cfg), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	return controller.Run(ctx, repo, hello{}, &controller.Options{Observer: m})
}

func ExampleNew() {
	cfg, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(measured(context.Background(), cfg))
}
