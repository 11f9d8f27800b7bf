package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/external/api/v1alpha1"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

const poll = 5 * time.Second // how often the provider is asked whether it has finished

// keeper keeps the buckets of one cluster.
type keeper struct {
	objects    *repository.Live[*v1alpha1.Bucket]
	provider   *client
	cluster    string
	namespaces []string // those that this process works for; none means all
}

// newController makes the controller. The name of the cluster tells its buckets from those of others.
func newController(cfg *rest.Config, provider *client, cluster string, opts *controller.Options) (controller.Runner, error) {
	objects, err := repository.New[v1alpha1.Bucket](cfg, v1alpha1.Scheme(), v1alpha1.GroupVersion().WithResource("buckets"))
	if err != nil {
		return nil, err
	}
	return controller.New(objects, &keeper{objects, provider, cluster, opts.Informer.Namespaces}, opts)
}

// Finalizer is there before the first bucket is.
func (*keeper) Finalizer() string { return "external.kuberator.dev/bucket" }

// Apply makes the bucket as the object asks for, and writes the status.
func (k *keeper) Apply(ctx context.Context, obj *v1alpha1.Bucket) (controller.Action, error) {
	bucket, failure := k.ensure(ctx, obj)
	obj.Status.ID = cmp.Or(bucket.ID, obj.Status.ID)
	action, ready := controller.AwaitChange(), metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, ObservedGeneration: obj.Generation}
	switch {
	case failure != nil:
		ready.Reason, ready.Message = "ProviderFailed", kerr.Text(failure.Error(), kerr.MaxMessage)
	case !bucket.Ready:
		ready.Reason, ready.Message = "Creating", "the provider has not finished"
		action = controller.Requeue(poll)
	default:
		ready.Status, ready.Reason = metav1.ConditionTrue, "Created"
	}
	meta.SetStatusCondition(&obj.Status.Conditions, ready)
	_, err := status.Patch(ctx, k.objects, obj, obj.Status)
	return action, errors.Join(failure, err)
}

// ensure finds the bucket by its tag, and not by the status: what was created right before a crash is not in it.
// The token is for a creation of which nobody knows whether it still arrives.
func (k *keeper) ensure(ctx context.Context, obj *v1alpha1.Bucket) (remote, error) {
	found, err := k.provider.find(ctx, k.cluster, string(obj.UID))
	if err != nil {
		return remote{}, err
	}
	if len(found) == 0 {
		want := remote{SizeGiB: obj.Spec.SizeGiB, Cluster: k.cluster, Namespace: obj.Namespace, Name: obj.Name, Owner: string(obj.UID), Token: string(obj.UID)}
		return k.provider.create(ctx, want)
	}
	if found[0].SizeGiB != obj.Spec.SizeGiB {
		err = k.provider.resize(ctx, found[0].ID, obj.Spec.SizeGiB)
	}
	return found[0], err
}

// Cleanup deletes all that carries the tag of the object, and is finished when nothing does.
func (k *keeper) Cleanup(ctx context.Context, obj *v1alpha1.Bucket) (controller.Action, error) {
	found, err := k.provider.find(ctx, k.cluster, string(obj.UID))
	for _, bucket := range found {
		err = errors.Join(err, k.provider.remove(ctx, bucket.ID))
	}
	if err != nil || len(found) == 0 {
		return controller.AwaitChange(), err
	}
	return controller.Requeue(poll), nil
}

// Sweep deletes the buckets of this cluster whose objects are gone: their finalizer was removed by force, or a
// creation arrived late.
func (k *keeper) Sweep(ctx context.Context, list func(context.Context) ([]*v1alpha1.Bucket, error)) error {
	found, err := k.provider.find(ctx, k.cluster, "") // first what exists, then whose it may be
	if err != nil {
		return err
	}
	objects, err := list(ctx)
	if err != nil {
		return err
	}
	for _, bucket := range found {
		mine := len(k.namespaces) == 0 || slices.Contains(k.namespaces, bucket.Namespace) // of others it cannot know
		if mine && !slices.ContainsFunc(objects, func(obj *v1alpha1.Bucket) bool { return string(obj.UID) == bucket.Owner }) {
			controller.Logger(ctx).Warn("deleting a bucket whose object is gone", zap.String("id", bucket.ID), zap.String("owner", bucket.Owner))
			err = errors.Join(err, k.provider.remove(ctx, bucket.ID))
		}
	}
	return err
}
