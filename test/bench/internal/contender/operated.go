package contender

import (
	"context"

	"go.opentelemetry.io/otel/trace/noop"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/debug"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/controller/trace"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// Operated is this library with everything on that a team needs in production: it leads, and has metrics, the
// page, events, and tracing that nobody collects. Its lease and its events are on the server of the Widgets.
func Operated(cfg *rest.Config, apply Apply) (Operator, error) {
	cfg, m, err := observed(cfg)
	if err != nil {
		return nil, err
	}
	provider := noop.NewTracerProvider()
	cfg = trace.Instrument(cfg, provider)
	events, err := event.New(cfg, widget.Scheme(), "example.com/bench", &event.Options{Logger: logger()})
	if err != nil {
		return nil, err
	}
	c, err := newKuberator(cfg, apply,
		controller.Observers(m, debug.New(nil), event.Observe(events), trace.Observer(provider)))
	if err != nil {
		return nil, err
	}
	elector, err := lead(cfg, m, types.NamespacedName{Namespace: "default", Name: "bench"}, leader.Options{}, c)
	if err != nil {
		return nil, err
	}
	return kuberatorOperator{c, controller.RunnerFunc(func(ctx context.Context) error {
		return events.Run(ctx, elector)
	})}, nil
}
