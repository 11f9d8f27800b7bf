package metrics_test

import (
	"context"
	"fmt"
	"log"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
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
func measured(ctx context.Context, cfg *rest.Config, registry *prometheus.Registry, more controller.Observer) error {
	m, err := metrics.New(registry)
	if err != nil {
		return err
	}
	repo, err := repository.New[corev1.ConfigMap](m.Instrument(cfg), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	return controller.Run(ctx, repo, hello{}, &controller.Options{Observer: controller.Observers(m, more)})
}

func ExampleNew() {
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
	registry := prometheus.NewRegistry()
	ended := controller.ObserverFuncs{EndedFunc: func(context.Context, controller.Attempt) { cancel() }}
	fmt.Println(measured(ctx, srv.Config(), registry, ended))
	families, err := registry.Gather()
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "kuberator_attempts_total" && metric.GetCounter().GetValue() > 0 {
				fmt.Println(family.GetName(), metric.GetLabel()[3].GetValue())
			}
		}
	}
	fmt.Println(err)
	// Output:
	// hello, world
	// <nil>
	// kuberator_attempts_total success
	// <nil>
}
