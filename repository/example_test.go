package repository_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// A repository without generated code. Nothing is sent before the first request.
func ExampleNew() {
	cfg := &rest.Config{Host: "https://10.0.0.1"}
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	fmt.Println(repo.Kind(), err)
	// Output: /v1, Kind=ConfigMap <nil>
}

// Over a generated clientset, here a fake.
func ExampleFromClient() {
	cs := fake.NewClientset()
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	_, err := repo.Get(context.Background(), repository.Key(&metav1.ObjectMeta{Namespace: "default", Name: "world"}))
	fmt.Println(err)
	fmt.Println(kerr.ClassOf(err))
	// Output:
	// get ConfigMap default/world: configmaps "world" not found
	// NotFound
}

// A repository that is confined to a namespace sends nothing elsewhere.
func ExampleInNamespaces() {
	cs := fake.NewClientset()
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps, repository.InNamespaces("team-a"))
	_, err := repo.Get(context.Background(), repository.Key(&metav1.ObjectMeta{Namespace: "team-b", Name: "secret-plan"}))
	fmt.Println(kerr.ClassOf(err), len(cs.Actions()))
	// Output: Forbidden 0
}
