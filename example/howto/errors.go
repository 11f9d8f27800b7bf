package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

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

func (volumes) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// newVolumes returns the controller. It sends no request.
func newVolumes(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return nil, err
	}
	resize := func(int) error { return errMaintenance } // replace it by a request to the other system
	return controller.New(repo, volumes{resize}, opts)
}

func (v volumes) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	size, err := strconv.Atoi(cm.Data["size"])
	if err != nil {
		return controller.AwaitChange(), kerr.Invalid(fmt.Errorf("data.size: %w", err)) // no retry: a person must change the object
	}
	err = v.resize(size)
	if errors.Is(err, errMaintenance) {
		return controller.AwaitChange(), kerr.After(10*time.Minute, err) // a retry then, if no event comes before
	}
	return controller.AwaitChange(), err // nil, or a retry with backoff
}
