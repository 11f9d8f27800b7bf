package contender

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/debug"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/controller/metrics"
	"github.com/kuberator/kuberator/controller/trace"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
	"github.com/kuberator/kuberator/test/sim"
)

// Operated is this library with everything on that a team needs in production: it leads, and has metrics, the
// page, events, and tracing that nobody collects.
func Operated(cfg *rest.Config, apply Apply) (Operator, error) {
	m, err := metrics.New(prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	leases, err := sim.New(sim.Options{Kinds: sim.Core("leases.coordination.k8s.io", "events.events.k8s.io")})
	if err != nil {
		return nil, err
	}
	events, err := event.New(leases.Config(), widget.Scheme(), "example.com/bench", &event.Options{Logger: logger()})
	if err != nil {
		return nil, err
	}
	elector, err := leader.New(leases.Config(), types.NamespacedName{Namespace: "default", Name: "bench"}, &leader.Options{Logger: logger()})
	if err != nil {
		return nil, err
	}
	provider := noop.NewTracerProvider()
	c, err := newKuberator(trace.Instrument(m.Instrument(cfg), provider), apply,
		controller.Observers(m, debug.New(nil), event.Observe(events), trace.Observer(provider)))
	if err != nil {
		return nil, err
	}
	elector.Lead(c)
	return kuberatorOperator{c, controller.RunnerFunc(func(ctx context.Context) error {
		defer leases.Close()
		return events.Run(ctx, elector)
	})}, nil
}
