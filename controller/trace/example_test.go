package trace_test

import (
	"context"
	"log"

	oteltrace "go.opentelemetry.io/otel/trace"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/trace"
	"github.com/kuberator/kuberator/repository"
)

// spanned runs an operator whose attempts and requests are spans of the provider, for instance one
// of go.opentelemetry.io/otel/sdk/trace.
func spanned(ctx context.Context, cfg *rest.Config, provider oteltrace.TracerProvider) error {
	repo, err := repository.New[corev1.ConfigMap](trace.Instrument(cfg, provider), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	hello := controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer}
	return controller.Run(ctx, repo, hello, &controller.Options{Observer: trace.Observer(provider)})
}

func ExampleObserver() {
	cfg, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(spanned(context.Background(), cfg, nil)) // nil: nothing is traced, and nothing is paid
}
