package event_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/test/sim"
)

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
