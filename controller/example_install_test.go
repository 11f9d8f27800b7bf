package controller_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// The rights that the library needs. What Apply and Cleanup send comes on top.
func ExampleController_RequiredRules() {
	cfg := &rest.Config{Host: "https://10.0.0.1"}
	configMaps, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		panic(err)
	}
	secrets, err := repository.New[corev1.Secret](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("secrets"))
	if err != nil {
		panic(err)
	}
	cache, err := informer.New(secrets, nil)
	if err != nil {
		panic(err)
	}
	c, err := controller.New(configMaps, controller.Funcs[*corev1.ConfigMap]{FinalizerName: "example.com/hello"}, nil)
	if err != nil {
		panic(err)
	}
	controller.References(c, cache)
	for _, rule := range c.RequiredRules() {
		fmt.Println(rule.Resources, rule.Verbs)
	}
	// Output:
	// [configmaps] [get list watch patch]
	// [configmaps/status] [patch]
	// [secrets] [list watch]
}

// Before an operator is removed for good, it lets its objects go.
func ExampleController_ReleaseAll() {
	cs := fake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world", Finalizers: []string{"example.com/hello"}},
	})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{
		FinalizerName: "example.com/hello",
		CleanupFunc: func(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
			fmt.Println("goodbye,", cm.Name)
			return controller.AwaitChange(), nil
		},
	}, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	fmt.Println(c.ReleaseAll(ctx))
	cm, err := repo.Get(ctx, repository.Key(&metav1.ObjectMeta{Namespace: "default", Name: "world"}))
	fmt.Println(cm.Finalizers, err)
	// Output:
	// goodbye, world
	// <nil>
	// [] <nil>
}

// Several controllers, and whatever else runs until its ctx ends.
func ExampleRunAll() {
	cs := fake.NewClientset()
	configMaps := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	c, err := controller.New(configMaps, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer}, nil)
	if err != nil {
		panic(err)
	}
	server := controller.RunnerFunc(func(context.Context) error { return fmt.Errorf("the port is taken") })
	fmt.Println(controller.RunAll(context.Background(), c, server)) // the error of one ends the others
	// Output: the port is taken
}

func ExamplePauseOf() {
	for _, value := range []string{"", "true", "2126-12-24T18:00:00Z", "until christmas"} {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{controller.PausedAnnotation: value}}}
		pause, paused := controller.PauseOf(cm)
		fmt.Println(paused, !pause.Until.IsZero(), pause.Err != nil)
	}
	// Output:
	// false false false
	// true false false
	// true true false
	// true false true
}
