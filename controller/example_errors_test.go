package controller_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

var errMaintenance = errors.New("the host is being maintained")

// volumes resizes something outside the cluster.
type volumes struct {
	resize func(size int) error
}

func (volumes) Finalizer() string { return controller.NoFinalizer }

func (v volumes) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	size, err := strconv.Atoi(cm.Data["size"])
	if err != nil {
		return controller.AwaitChange(), kerr.Invalid(fmt.Errorf("data.size: %w", err)) // no retry: a person must change the object
	}
	err = v.resize(size)
	if errors.Is(err, errMaintenance) {
		return controller.AwaitChange(), kerr.After(10*time.Minute, err) // a retry then, and not sooner
	}
	return controller.AwaitChange(), err // nil, or a retry with backoff
}

func (volumes) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// What an error means for the next attempt.
func ExampleContext() {
	for _, try := range []struct {
		size string
		err  error
	}{{"7", nil}, {"seven", nil}, {"7", errors.New("connection refused")}, {"7", errMaintenance}} {
		cs := fake.NewClientset(&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "disk"}, Data: map[string]string{"size": try.size},
		})
		repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
		ctx, cancel := context.WithCancel(context.Background())
		user := volumes{func(int) error { return try.err }}
		_ = controller.Run(ctx, repo, user, &controller.Options{
			Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
				fmt.Println(a.Err, "| retried:", a.Next >= 0, "| soon:", a.Next >= 0 && a.Next < time.Second)
				cancel()
			}},
		})
	}
	// Output:
	// <nil> | retried: false | soon: false
	// apply ConfigMap default/disk: data.size: strconv.Atoi: parsing "seven": invalid syntax | retried: false | soon: false
	// apply ConfigMap default/disk: connection refused | retried: true | soon: true
	// apply ConfigMap default/disk: the host is being maintained | retried: true | soon: false
}
