package controller_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// sites publishes the ConfigMaps that have the label site=true.
type sites struct{ done func() }

func (sites) Finalizer() string { return "example.com/site" }

// Selects implements controller.Selector.
func (sites) Selects(cm *corev1.ConfigMap) bool { return cm.Labels["site"] == "true" }

func (sites) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	fmt.Println("publish", cm.Name)
	return controller.AwaitChange(), nil
}

// Cleanup is called when a site is deleted, and when it loses the label.
func (s sites) Cleanup(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	fmt.Println("take down", cm.Name)
	s.done()
	return controller.AwaitChange(), nil
}

// An operator works on some objects of a kind only. It lost "old" while it did not run.
func ExampleSelector() {
	old := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "old", Finalizers: []string{"example.com/site"}}}
	cs := fake.NewClientset(old, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "no-site"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	ctx, cancel := context.WithCancel(context.Background())
	fmt.Println(controller.Run(ctx, repo, sites{done: cancel}, nil))
	left, err := repo.Get(context.Background(), repository.Key(old))
	fmt.Println(left.Finalizers, err)
	// Output:
	// take down old
	// <nil>
	// [] <nil>
}
