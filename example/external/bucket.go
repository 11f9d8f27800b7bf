// Package external is an operator that keeps something outside of the cluster for each object: a bucket of a
// provider with an HTTP API.
package external

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/external/api/v1alpha1"
	"github.com/kuberator/kuberator/example/external/provider"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

// poll is how often the provider is asked whether it has finished.
const poll = 5 * time.Second

// keeper keeps the buckets of one cluster.
type keeper struct {
	objects    *repository.Live[*v1alpha1.Bucket]
	provider   *provider.Client
	cluster    string
	namespaces []string // those that this process works for; none means all
}

// Finalizer is there before the first bucket is.
func (*keeper) Finalizer() string { return "external.kuberator.dev/bucket" }

// Apply makes the bucket as the object asks for, and writes the status.
func (k *keeper) Apply(ctx context.Context, obj *v1alpha1.Bucket) (controller.Action, error) {
	remote, failure := k.ensure(ctx, obj)
	action, ready := controller.AwaitChange(), metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, ObservedGeneration: obj.Generation}
	switch {
	case failure != nil:
		ready.Reason, ready.Message = "ProviderFailed", kerr.Text(failure.Error(), kerr.MaxMessage)
	case !remote.Ready:
		ready.Reason, ready.Message = "Creating", "the provider has not finished"
		action = controller.Requeue(poll)
	default:
		ready.Status, ready.Reason = metav1.ConditionTrue, "Created"
	}
	if failure == nil {
		obj.Status.ID = remote.ID
	}
	meta.SetStatusCondition(&obj.Status.Conditions, ready)
	_, err := status.Patch(ctx, k.objects, obj, obj.Status)
	return action, errors.Join(failure, err)
}

// ensure finds the bucket by its tag, and not by the status: what was created right before a crash is not in it.
// The key is for a creation of which nobody knows whether it still arrives.
func (k *keeper) ensure(ctx context.Context, obj *v1alpha1.Bucket) (provider.Bucket, error) {
	found, err := k.provider.Find(ctx, k.cluster, string(obj.UID))
	if err != nil {
		return provider.Bucket{}, err
	}
	if len(found) == 0 {
		want := provider.Bucket{SizeGiB: obj.Spec.SizeGiB, Cluster: k.cluster, Namespace: obj.Namespace, Name: obj.Name, Owner: string(obj.UID)}
		return k.provider.Create(ctx, string(obj.UID), want)
	}
	if found[0].SizeGiB != obj.Spec.SizeGiB {
		return found[0], k.provider.Resize(ctx, found[0].ID, obj.Spec.SizeGiB)
	}
	return found[0], nil
}

// Cleanup deletes all that carries the tag of the object, and is finished when nothing does.
func (k *keeper) Cleanup(ctx context.Context, obj *v1alpha1.Bucket) (controller.Action, error) {
	found, err := k.provider.Find(ctx, k.cluster, string(obj.UID))
	for _, remote := range found {
		err = errors.Join(err, k.provider.Remove(ctx, remote.ID))
	}
	if err != nil || len(found) == 0 {
		return controller.AwaitChange(), err
	}
	return controller.Requeue(poll), nil
}

// Sweep deletes the buckets of this cluster whose objects are gone: their finalizer was removed by force, or a
// creation arrived late.
func (k *keeper) Sweep(ctx context.Context, list func(context.Context) ([]*v1alpha1.Bucket, error)) error {
	found, err := k.provider.Find(ctx, k.cluster, "") // first what exists, then whose it may be
	if err != nil {
		return err
	}
	objects, err := list(ctx)
	if err != nil {
		return err
	}
	for _, remote := range found {
		if !k.orphan(remote, objects) {
			continue
		}
		if failure := k.provider.Remove(ctx, remote.ID); failure != nil {
			err = errors.Join(err, failure)
			continue
		}
		controller.Logger(ctx).Warn("deleted a bucket whose object is gone", zap.String("id", remote.ID), zap.String("owner", remote.Owner))
	}
	return err
}
