package event_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/repository"
)

// A reason is declared once.
var greeted = event.Normal("Greeted", "Greet")

// greeter tells of each ConfigMap that it greets.
type greeter struct{ events event.Recorder }

func (greeter) Finalizer() string { return controller.NoFinalizer }

func (g greeter) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	g.events.Eventf(cm, nil, greeted, "Hello, %s", cm.Data["name"])
	return controller.AwaitChange(), nil
}

func (greeter) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// The Broadcaster runs the controller, so that it ends after it.
func ExampleBroadcaster() {
	_ = func(ctx context.Context, cfg *rest.Config) error { // main
		events, err := event.New(cfg, scheme.Scheme, "example.com/greeter", nil)
		if err != nil {
			return err
		}
		repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		if err != nil {
			return err
		}
		c, err := controller.New(repo, greeter{events}, &controller.Options{Observer: event.Observe(events)})
		if err != nil {
			return err
		}
		return events.Run(ctx, c)
	}
}

func ExampleFakeRecorder() {
	events := &event.FakeRecorder{}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}, Data: map[string]string{"name": "world"}}
	if _, err := (greeter{events}).Apply(context.Background(), cm); err != nil {
		fmt.Println(err)
	}
	for _, e := range events.Events() {
		fmt.Println(e)
	}
	// Output: Normal Greeted default/a: Hello, world
}
