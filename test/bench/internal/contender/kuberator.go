package contender

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// Kuberator is this library with its defaults, all guarantees on.
func Kuberator(cfg *rest.Config, apply func(*widget.Widget)) (Operator, error) {
	repo, err := repository.New[widget.Widget](cfg, widget.Scheme(), widget.GroupVersion().WithResource("widgets"))
	if err != nil {
		return nil, err
	}
	c, err := controller.New(repo, controller.Funcs[*widget.Widget]{
		FinalizerName: widget.Finalizer,
		ApplyFunc: func(_ context.Context, w *widget.Widget) (controller.Action, error) {
			apply(w)
			return controller.AwaitChange(), nil
		},
	}, &controller.Options{Workers: workers, Logger: logger()})
	if err != nil {
		return nil, err
	}
	return kuberatorOperator{c}, nil
}

type kuberatorOperator struct {
	*controller.Controller[*widget.Widget, controller.Funcs[*widget.Widget]]
}

func (o kuberatorOperator) Enqueuer(keys []types.NamespacedName) func(i int) {
	return func(i int) { o.Enqueue(keys[i]) }
}
