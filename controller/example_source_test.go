package controller_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// What happens outside Kubernetes, such as a webhook that is called, is a reason to reconcile too.
// Here it comes from a channel.
func ExampleController_Source() {
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	changed := make(chan types.NamespacedName, 1)
	ctx, cancel := context.WithCancel(context.Background())
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer}, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			fmt.Println(a.Key, "because", a.Reasons[0])
			if a.Reasons[0].Verb == controller.VerbEnqueued {
				cancel()
				return
			}
			changed <- a.Key
		}},
	})
	if err != nil {
		panic(err)
	}
	c.Source(func(ctx context.Context, enqueue func(types.NamespacedName)) error {
		for {
			select {
			case key := <-changed:
				enqueue(key)
			case <-ctx.Done():
				return nil
			}
		}
	})
	fmt.Println(c.Run(ctx))
	// Output:
	// default/world because ConfigMap default/world added
	// default/world because enqueued
	// <nil>
}

// callback answers POST /changed/NAMESPACE/NAME, which another system calls.
func callback[T repository.Object, C controller.Context[T]](c *controller.Controller[T, C]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /changed/{namespace}/{name}", func(w http.ResponseWriter, r *http.Request) {
		c.Enqueue(types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")})
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// again has all objects reconciled once more, after those that something happened to.
func again[T repository.Object, C controller.Context[T]](c *controller.Controller[T, C]) {
	for _, obj := range c.Informer().ViewList() {
		c.EnqueueBackground(repository.Key(obj))
	}
}

// Settings of an operator are read again while it runs, for instance on SIGHUP. Then it looks at all objects.
func ExampleController_EnqueueBackground() {
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	applied := make(chan string)
	var greeting atomic.Value
	greeting.Store("Hello")
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{
		FinalizerName: controller.NoFinalizer,
		ApplyFunc: func(_ context.Context, m *corev1.ConfigMap) (controller.Action, error) {
			applied <- fmt.Sprint(greeting.Load(), ", ", m.Name)
			return controller.AwaitChange(), nil
		},
	}, nil)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()

	fmt.Println(<-applied)
	greeting.Store("Good evening")
	again(c)
	fmt.Println(<-applied)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// Hello, world
	// Good evening, world
	// <nil>
}

// Another system calls the operator by HTTP when something changed there.
func ExampleController_Enqueue() {
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	applied := make(chan controller.Reason)
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer}, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) { applied <- a.Reasons[0] }},
	})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(callback(c))
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()

	fmt.Println(<-applied)
	answer, err := http.Post(server.URL+"/changed/default/world", "", nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Status, answer.Body.Close())
	fmt.Println(<-applied)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// ConfigMap default/world added
	// 202 Accepted <nil>
	// enqueued
	// <nil>
}

// message is what a broker delivers until it is acknowledged.
type message struct {
	key         types.NamespacedName
	acknowledge func()
}

// broker is a client of a message queue.
type broker interface {
	receive(ctx context.Context) (message, error) // an error if ctx ends
}

// channel stands for one.
type channel chan message

func (b channel) receive(ctx context.Context) (message, error) {
	select {
	case m := <-b:
		return m, nil
	case <-ctx.Done():
		return message{}, ctx.Err()
	}
}

// follow returns a source: each message of the queue names an object to reconcile.
func follow(queue broker) func(ctx context.Context, enqueue func(types.NamespacedName)) error {
	return func(ctx context.Context, enqueue func(types.NamespacedName)) error {
		for {
			m, err := queue.receive(ctx)
			if err != nil {
				return err // logged, and called again after a backoff; not if ctx has ended
			}
			enqueue(m.key)
			m.acknowledge()
		}
	}
}

// Messages of a queue wake the objects that they name.
func ExampleController_Source_queue() {
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	queue := make(channel, 1)
	ctx, cancel := context.WithCancel(context.Background())
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer}, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			fmt.Println(a.Key, "because", a.Reasons[0])
			if a.Reasons[0].Verb == controller.VerbEnqueued {
				cancel()
				return
			}
			queue <- message{a.Key, func() {}}
		}},
	})
	if err != nil {
		panic(err)
	}
	c.Source(follow(queue))
	fmt.Println(c.Run(ctx))
	// Output:
	// default/world because ConfigMap default/world added
	// default/world because enqueued
	// <nil>
}
