package controller_test

import (
	"context"
	"fmt"

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
