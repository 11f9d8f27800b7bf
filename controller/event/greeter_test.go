package event_test

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/repository"
)

// greeted is a reason, and the action that it is about. Declare each reason once.
var greeted = event.Normal("Greeted", "Greet")

// greeter records an Event for each ConfigMap.
type greeter struct{ events event.Recorder }

func (greeter) Finalizer() string { return controller.NoFinalizer }

func (g greeter) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	g.events.Eventf(cm, nil, greeted, "Hello, %s", cm.Data["name"])
	return controller.AwaitChange(), nil
}

func (greeter) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// greet runs an operator that records events, until ctx ends. The Broadcaster runs the controller, so that
// the Broadcaster ends last and sends also the last events. The observer is added to opts, which must not be nil.
func greet(ctx context.Context, cfg *rest.Config, opts *controller.Options) error {
	events, err := event.New(cfg, scheme.Scheme, "example.com/greeter", nil)
	if err != nil {
		return err
	}
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	opts.Observer = controller.Observers(event.Observe(events), opts.Observer)
	c, err := controller.New(repo, greeter{events}, opts)
	if err != nil {
		return err
	}
	return events.Run(ctx, c)
}
