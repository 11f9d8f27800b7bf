package event_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
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

// greet runs an operator that records events, until ctx ends. The Broadcaster runs the controller, so
// that it ends after it.
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

// What is recorded is on the server when greet has returned.
func ExampleBroadcaster() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps", "events.events.k8s.io")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	client := kubernetes.NewForConfigOrDie(srv.Config())
	ctx, cancel := context.WithCancel(context.Background())
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"name": "world"}}
	if _, err := client.CoreV1().ConfigMaps("default").Create(ctx, cm, metav1.CreateOptions{}); err != nil {
		fmt.Println(err)
	}
	applied := controller.ObserverFuncs{EndedFunc: func(context.Context, controller.Attempt) { cancel() }}
	fmt.Println(greet(ctx, srv.Config(), &controller.Options{Observer: applied}))

	events, err := client.EventsV1().Events("default").List(context.Background(), metav1.ListOptions{})
	for _, e := range events.Items {
		fmt.Println(e.Regarding.Name, e.Type, e.Reason, e.Note)
	}
	fmt.Println(err)
	// Output:
	// <nil>
	// a Normal Greeted Hello, world
	// <nil>
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
