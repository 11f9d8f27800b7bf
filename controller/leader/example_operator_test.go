package leader_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/debug"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/repository"
)

var greeted = event.Normal("Greeted", "Greet")

type greeter struct{ events event.Recorder }

func (greeter) Finalizer() string { return controller.NoFinalizer }

func (g greeter) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	g.events.Eventf(cm, nil, greeted, "Hello, %s", cm.Data["name"])
	return controller.AwaitChange(), nil
}

func (greeter) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// operate runs an operator of which several replicas may run, with probes, metrics, events and the page.
func operate(ctx context.Context, cfg *rest.Config) error {
	registry, inspector := prometheus.NewRegistry(), debug.New(nil)
	m, err := metrics.New(registry)
	if err != nil {
		return err
	}
	cfg = m.Instrument(cfg)
	elector, err := leader.New(cfg, types.NamespacedName{Namespace: "shop", Name: "shop-operator"}, nil)
	if err != nil {
		return err
	}
	m.Leader("shop-operator", func() bool { return elector.Status().Leading })
	inspector.Fact("leader", func() string {
		return fmt.Sprintf("%s since %s", elector.Status().Holder, elector.Status().Since.Format(time.TimeOnly))
	})
	events, err := event.New(cfg, scheme.Scheme, "example.com/shop-operator", nil)
	if err != nil {
		return err
	}
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	c, err := controller.New(repo, greeter{events}, &controller.Options{Observer: controller.Observers(m, inspector, event.Observe(events))})
	if err != nil {
		return err
	}
	elector.Lead(c)

	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/readyz", debug.Readyz(c))
	mux.Handle("/livez", debug.Livez(c))
	mux.Handle("/debug/controllers", inspector)
	server := &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: time.Second}
	serve := controller.RunnerFunc(func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = server.Close() })
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return controller.RunAll(ctx, serve, controller.RunnerFunc(func(ctx context.Context) error { return events.Run(ctx, elector) }))
}

// All of it together: one of several replicas works, and each can be watched and asked.
func Example() {
	_ = operate
}
