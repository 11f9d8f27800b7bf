package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// storage is a client of the other system.
type storage interface {
	create(ctx context.Context, name string) error // no error if it exists
	remove(ctx context.Context, name string) error // no error if it does not exist
	list(ctx context.Context) (names []string, err error)
}

// buckets keeps a bucket for each ConfigMap.
type buckets struct{ storage storage }

// bucketOf is the same in each attempt, and another one for each object: also for a later one of
// the same name.
func bucketOf(uid types.UID) string { return "kuberator-" + string(uid) }

func (buckets) Finalizer() string { return "example.com/bucket" }

// newBuckets returns the controller. It sends no request.
func newBuckets(cfg *rest.Config, s storage, opts *controller.Options) (controller.Runner, error) {
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return nil, err
	}
	return controller.New(repo, buckets{s}, opts)
}

func (b buckets) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), b.storage.create(ctx, bucketOf(cm.UID))
}

func (b buckets) Cleanup(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), b.storage.remove(ctx, bucketOf(cm.UID))
}

// Sweep removes the buckets that no object stands for any more.
func (b buckets) Sweep(ctx context.Context, list func(context.Context) ([]*corev1.ConfigMap, error)) error {
	found, err := b.storage.list(ctx) // first what exists outside
	if err != nil {
		return err
	}
	objs, err := list(ctx) // then the objects, as of now
	if err != nil {
		return err
	}
	wanted := sets.New[string]()
	for _, cm := range objs {
		wanted.Insert(bucketOf(cm.UID))
	}
	for _, bucket := range found {
		if !wanted.Has(bucket) {
			if err := b.storage.remove(ctx, bucket); err != nil {
				return err
			}
		}
	}
	return nil
}
