package contender

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// Kuberator is this library with its defaults, all guarantees on, and with its metrics, since controller-runtime always has
// some.
func Kuberator(cfg *rest.Config, apply Apply) (Operator, error) {
	cfg, m, err := observed(cfg)
	if err != nil {
		return nil, err
	}
	return kuberatorWith(cfg, apply, m)
}

// Bare is this library with nothing that observes it, for comparison with a loop that has no metrics.
func Bare(cfg *rest.Config, apply Apply) (Operator, error) { return kuberatorWith(cfg, apply, nil) }

func kuberatorWith(cfg *rest.Config, apply Apply, observer controller.Observer) (Operator, error) {
	c, err := newKuberator(cfg, apply, observer)
	if err != nil {
		return nil, err
	}
	return kuberatorOperator{c, c}, nil
}

func newKuberator(cfg *rest.Config, apply Apply, observer controller.Observer) (*kuberatorController, error) {
	repo, err := repository.New[widget.Widget](cfg, widget.Scheme(), widget.GroupVersion().WithResource("widgets"))
	if err != nil {
		return nil, err
	}
	return controller.New(repo, controller.Funcs[*widget.Widget]{
		FinalizerName: widget.Finalizer,
		ApplyFunc: func(_ context.Context, w *widget.Widget) (controller.Action, error) {
			return controller.AwaitChange(), apply(w)
		},
	}, &controller.Options{Workers: workers, Logger: logger(), Observer: observer})
}

type kuberatorController = controller.Controller[*widget.Widget, controller.Funcs[*widget.Widget]]

type kuberatorOperator struct {
	*kuberatorController
	runner controller.Runner
}

// Behind is [Kuberator], but what Enqueuer enqueues comes after changes, as what can wait does.
func Behind(cfg *rest.Config, apply Apply) (Operator, error) {
	o, err := Kuberator(cfg, apply)
	if err != nil {
		return nil, err
	}
	return behind{o.(kuberatorOperator)}, nil
}

type behind struct{ kuberatorOperator }

func (o behind) Enqueuer(keys []types.NamespacedName) func(i int) {
	return func(i int) { o.EnqueueBackground(keys[i]) }
}

func (o kuberatorOperator) Run(ctx context.Context) error { return o.runner.Run(ctx) }

func (o kuberatorOperator) Enqueuer(keys []types.NamespacedName) func(i int) {
	return func(i int) { o.Enqueue(keys[i]) }
}
