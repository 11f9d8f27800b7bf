package controller_test

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// expiry deletes ConfigMaps at the time that an annotation names.
type expiry struct {
	configMaps *repository.Live[*corev1.ConfigMap]
}

func (expiry) Finalizer() string { return controller.NoFinalizer }

func (e expiry) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	expires, err := time.Parse(time.RFC3339, cm.Annotations["example.com/expires"])
	if err != nil {
		return controller.AwaitChange(), kerr.Invalid(err) // no retry before the object changes
	}
	if left := time.Until(expires); left > 0 {
		return controller.Requeue(left), nil
	}
	return controller.AwaitChange(), e.configMaps.Delete(ctx, cm)
}

func (expiry) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// Apply asks to be called again at a time that the object names.
func ExampleRequeue() {
	soon := time.Now().Add(50 * time.Millisecond).Format(time.RFC3339Nano)
	cs := fake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "offer", Annotations: map[string]string{"example.com/expires": soon}},
	})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	ctx, cancel := context.WithCancel(context.Background())
	err := controller.Run(ctx, repo, expiry{repo}, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			if a.Writes > 0 { // mostly the second attempt
				fmt.Println("writes:", a.Writes)
				cancel()
			}
		}},
	})
	fmt.Println(err)
	_, err = repo.Get(context.Background(), repository.Key(&metav1.ObjectMeta{Namespace: "default", Name: "offer"}))
	fmt.Println(apierrors.IsNotFound(err))
	// Output:
	// writes: 1
	// <nil>
	// true
}
