package trace_test

import (
	"context"
	"fmt"
	"log"

	oteltrace "go.opentelemetry.io/otel/trace"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/trace"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// spanned runs an operator whose attempts and requests are spans of the provider, for instance one
// of go.opentelemetry.io/otel/sdk/trace. With nil nothing is traced, and nothing is paid.
func spanned(ctx context.Context, cfg *rest.Config, provider oteltrace.TracerProvider, more controller.Observer) error {
	repo, err := repository.New[corev1.ConfigMap](trace.Instrument(cfg, provider), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	hello := controller.Funcs[*corev1.ConfigMap]{FinalizerName: "example.com/hello"}
	return controller.Run(ctx, repo, hello, &controller.Options{Observer: controller.Observers(trace.Observer(provider), more)})
}

func ExampleObserver() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())
	world := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "world"}}
	if _, err := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().ConfigMaps("default").Create(ctx, world, metav1.CreateOptions{}); err != nil {
		log.Fatal(err)
	}
	provider := &recorder{} // keeps the spans, as an exporter of the SDK would
	ended := controller.ObserverFuncs{EndedFunc: func(context.Context, controller.Attempt) { cancel() }}
	fmt.Println(spanned(ctx, srv.Config(), provider, ended))
	for _, s := range provider.spans {
		fmt.Println(s.name)
	}
	// Output:
	// <nil>
	// reconcile configmap
	// PATCH configmaps
}
