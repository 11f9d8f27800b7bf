package contender

import (
	"context"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// References makes an operator that reads, for each Widget, the ConfigMaps of its namespace with the team that it names
// in its settings, and calls looked with the greatest value of [Revision] that it found. A change of a ConfigMap is a reason to look
// again at the Widgets that name its team, and at no other.
type References func(cfg *rest.Config, looked func(w *widget.Widget, revision string)) (Runner, error)

const (
	// Team is the setting, and the label.
	Team   = "team"
	byTeam = "team" // an index
	// Revision is the key in the data of a ConfigMap.
	Revision = "revision"
)

func selectorOf(w *widget.Widget) labels.Set { return labels.Set{Team: w.Spec.Settings[Team]} }

// KuberatorReferences is this library as its documentation has it: References, and a List by label in Apply.
func KuberatorReferences(cfg *rest.Config, looked func(*widget.Widget, string)) (Runner, error) {
	cfg, m, err := observed(cfg)
	if err != nil {
		return nil, err
	}
	widgets, _, cached, err := kuberatorSpecs(cfg)
	if err != nil {
		return nil, err
	}
	c, err := controller.New(widgets, controller.Funcs[*widget.Widget]{
		FinalizerName: controller.NoFinalizer,
		ApplyFunc: func(ctx context.Context, w *widget.Widget) (controller.Action, error) {
			found, err := cached.List(ctx, informer.In(w.Namespace), informer.MatchingLabels(selectorOf(w)))
			if err != nil {
				return controller.AwaitChange(), err
			}
			revision := ""
			for _, cm := range found {
				revision = max(revision, cm.Data[Revision])
			}
			looked(w, revision)
			return controller.AwaitChange(), nil
		},
	}, &controller.Options{Workers: convergers, Logger: logger(), Observer: m})
	if err != nil {
		return nil, err
	}
	controller.References(c, cached)
	return c, nil
}
