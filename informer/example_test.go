package informer_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// greeter is told of every Pod.
type greeter struct {
	cache.TypedResourceEventHandlerFuncs[*corev1.Pod]
}

func (greeter) OnError(err error) { fmt.Println(err) }

func ExampleInformer_ByIndex() {
	ctx := context.Background()
	cs := fake.NewClientset(
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}, Spec: corev1.PodSpec{NodeName: "n1"}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "b"}, Spec: corev1.PodSpec{NodeName: "n2"}},
	)
	pods, err := informer.New(repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("Pod"), cs.CoreV1().Pods), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pods.AddIndex("node", func(p *corev1.Pod) []string { return []string{p.Spec.NodeName} }); err != nil {
		fmt.Println(err)
		return
	}
	// A controller subscribes by itself to what it owns and watches.
	subscription, err := pods.Subscribe(ctx, greeter{})
	if err != nil {
		fmt.Println(err)
		return
	}
	cache.WaitFor(ctx, "", subscription.Synced()...)
	found, err := pods.ByIndex(ctx, "node", "n2")
	if err != nil {
		fmt.Println(err)
	}
	for _, pod := range found {
		fmt.Println(pod.Name)
	}
	fmt.Println(subscription.Stop())
	// Output:
	// b
	// <nil>
}

// printer prints what it is told about ConfigMaps.
type printer struct {
	cache.TypedResourceEventHandlerFuncs[*corev1.ConfigMap]
}

func (printer) OnError(err error) { fmt.Println(err) }

func ExampleInformer_SetNamespaces() {
	ctx := context.Background()
	cs := fake.NewClientset(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "red", Name: "a"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "blue", Name: "b"}},
	)
	maps, err := informer.New(
		repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps),
		&informer.Options{Namespaces: []string{"red"}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	subscription, err := maps.Subscribe(ctx, printer{cache.TypedResourceEventHandlerFuncs[*corev1.ConfigMap]{
		AddFunc:    func(c *corev1.ConfigMap) { fmt.Println("added", c.Name) },
		DeleteFunc: func(c cache.DeletedObject[*corev1.ConfigMap]) { fmt.Println("gone", c.GetName()) },
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	cache.WaitFor(ctx, "", subscription.Synced()...)
	if err := maps.SetNamespaces("blue"); err != nil { // it returns after the handlers were told what is gone
		fmt.Println(err)
	}
	cache.WaitFor(ctx, "", subscription.Synced()...) // and of what came
	all, err := maps.List(ctx)
	fmt.Println(len(all), err, subscription.Stop())
	// Output:
	// added a
	// gone a
	// added b
	// 1 <nil> <nil>
}
