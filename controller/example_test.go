package controller_test

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// A controller of ConfigMaps over a fake clientset; with a real one it is the same.
func ExampleRun() {
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)

	user := controller.Funcs[*corev1.ConfigMap]{
		FinalizerName: "example.com/hello",
		ApplyFunc: func(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
			fmt.Println("hello,", cm.Name, cm.Finalizers)
			return controller.AwaitChange(), nil
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := controller.Run(ctx, repo, user, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			fmt.Println(a.Op, a.Key, "writes:", a.Writes, "because", a.Reasons)
			cancel()
		}},
	})
	fmt.Println(err)
	// Output:
	// hello, world [example.com/hello]
	// apply default/world writes: 1 because [ConfigMap default/world added]
	// <nil>
}

// What is wrong is said by New, before anything runs.
func ExampleNew() {
	cs := fake.NewClientset()
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	_, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: "cleanup"}, nil)
	fmt.Println(err)
	// Output: new controller of ConfigMap: finalizer name "cleanup": it needs a domain in front, such as "example.com/cleanup"
}

// An error handler decides what errors mean: here, that one of them is nobody's
// problem.
type tolerant struct {
	controller.Funcs[*corev1.ConfigMap]
}

var errQuota = errors.New("the quota is used up")

func (tolerant) HandleError(_ context.Context, _ *corev1.ConfigMap, err error) (controller.Action, error) {
	if errors.Is(err, errQuota) {
		return controller.AwaitChange(), kerr.Terminal(err)
	}
	return controller.AwaitChange(), err
}

func ExampleErrorHandler() {
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	user := tolerant{controller.Funcs[*corev1.ConfigMap]{
		FinalizerName: controller.NoFinalizer,
		ApplyFunc: func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
			return controller.AwaitChange(), errQuota
		},
	}}
	ctx, cancel := context.WithCancel(context.Background())
	_ = controller.Run(ctx, repo, user, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			fmt.Println(a.Err, "| next:", a.Next)
			cancel()
		}},
	})
	// Output: apply ConfigMap default/world: the quota is used up | next: -1ns
}
