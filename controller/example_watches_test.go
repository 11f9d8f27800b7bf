package controller_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/test/sim"
)

// Children in another namespace than their owner's: the finalizer and the child are written, and the child again after
// another client has deleted it.
func ExampleWatches() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("deployments.apps", "configmaps"), Namespaces: []string{"shop", "audit"}})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	client, ctx := kubernetes.NewForConfigOrDie(srv.Config()), context.Background()
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"size": "small"}}}
	web.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	web.Spec.Template.Labels = web.Spec.Selector.MatchLabels
	web.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web"}}
	if _, err := client.AppsV1().Deployments("shop").Create(ctx, web, metav1.CreateOptions{}); err != nil {
		panic(err)
	}
	running, cancel := context.WithCancel(ctx)
	written := 0
	c, err := newAudits(srv.Config(), &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			if a.Writes == 0 {
				return
			}
			fmt.Println(a.Key, "writes:", a.Writes)
			if written++; written == 2 {
				cancel()
				return
			}
			if err := client.CoreV1().ConfigMaps("audit").DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
				panic(err)
			}
		}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Run(running))
	// Output:
	// shop/web writes: 2
	// shop/web writes: 1
	// <nil>
}
