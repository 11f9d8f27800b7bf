package finalizer_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/repository"
)

// Without a controller: one step for one object.
func ExampleReconcile() {
	ctx := context.Background()
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	cm, err := repo.Get(ctx, repository.Key(&metav1.ObjectMeta{Namespace: "default", Name: "world"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	apply := func(_ context.Context, cm *corev1.ConfigMap) (string, error) {
		return fmt.Sprint("applied with ", cm.Finalizers), nil
	}
	cleanup := func(context.Context, *corev1.ConfigMap) (string, error) { return "cleaned up", nil }

	fmt.Println(finalizer.Reconcile(ctx, repo, "example.com/hello", cm, apply, cleanup))
	// Output: applied with [example.com/hello] <nil>
}

func ExampleValidate() {
	fmt.Println(finalizer.Validate("example.com/cleanup"))
	fmt.Println(finalizer.Validate("foregroundDeletion"))
	fmt.Println(finalizer.Validate("kubernetes.io/pvc-protection"))
	// Output:
	// <nil>
	// finalizer name "foregroundDeletion": it needs a domain in front, such as "example.com/foregroundDeletion"
	// finalizer name "kubernetes.io/pvc-protection": kubernetes.io is reserved for Kubernetes
}
