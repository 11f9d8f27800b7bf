package finalizer_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// A release gives its finalizer another name.
func Example_rename() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	repo, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for name, finalizers := range map[string][]string{"new": {present}, "seen": {former, present}, "unseen": {former}, "going": {former}} {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Finalizers: finalizers}}
		if _, err := repo.Create(ctx, cm); err != nil {
			panic(err)
		}
	}
	going, err := repo.Get(ctx, repository.Key(&metav1.ObjectMeta{Namespace: "default", Name: "going"}))
	if err != nil {
		panic(err)
	}
	fmt.Println(repo.Delete(ctx, going))
	for range 2 {
		fmt.Println(rename(ctx, repo, func(_ context.Context, cm *corev1.ConfigMap) error {
			fmt.Println("clean up", cm.Name)
			return nil
		}))
	}
	ended, end := context.WithCancel(ctx)
	end()
	fmt.Println(renameAll(ended, repo, nil)) // "unseen" waits for the controller
	all, err := repo.List(ctx, "default", metav1.ListOptions{})
	for _, cm := range all {
		fmt.Println(cm.Name, cm.Finalizers)
	}
	fmt.Println(err)
	// Output:
	// <nil>
	// clean up going
	// 3 <nil>
	// 1 <nil>
	// <nil>
	// new [example.com/greeting]
	// seen [example.com/greeting]
	// unseen [example.com/hello]
	// <nil>
}

func ExampleRelease() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	repo, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	cm, err := repo.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world", Finalizers: []string{present}}})
	if err != nil {
		panic(err)
	}
	fmt.Println(finalizer.Release(ctx, repo, present, cm, nil, func(context.Context, *corev1.ConfigMap) (string, error) { return "cleaned up", nil }))
	cm, err = repo.Get(ctx, repository.Key(cm))
	fmt.Println(finalizer.Held(cm, present), err)
	// Output:
	// cleaned up <nil>
	// false <nil>
}
