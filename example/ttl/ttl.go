// Command ttl is an operator that deletes objects when their time is over, which an annotation names. It
// works for any kind, and reads nothing but metadata.
package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// Annotation says when an object is to be deleted: a duration since its creation, such as "36h", or a time
// as in RFC 3339, such as "2030-01-01T00:00:00Z".
const Annotation = "ttl.kuberator.dev/expires"

// longest is the longest time to the next look at an object. A timer does not notice that the machine was
// suspended or that its clock was set.
const longest = time.Hour

var invalid = event.Warning("InvalidExpiry", "Expire")

// object is all that is known of an object.
type object = *metav1.PartialObjectMetadata

// reaper deletes the objects of one kind.
type reaper struct {
	objects *repository.Live[object]
	events  event.Recorder
}

// apply deletes an object whose time is over, and otherwise comes back when it is.
func (r *reaper) apply(ctx context.Context, obj object) (controller.Action, error) {
	value, ok := obj.Annotations[Annotation]
	if !ok {
		return controller.AwaitChange(), nil
	}
	at, err := deadline(obj, value)
	if err != nil {
		r.events.Eventf(obj, nil, invalid, "the object stays: %v", err)
		return controller.AwaitChange(), kerr.Invalid(err)
	}
	if left := time.Until(at); left > 0 {
		return controller.Requeue(min(left, longest)), nil
	}
	// The annotation that this is decided on is that of the cache, which may be behind.
	if err := r.objects.Delete(ctx, obj, repository.IfUnchanged()); err != nil {
		return controller.AwaitChange(), err
	}
	controller.Logger(ctx).Info("deleted, since its time is over", zap.Time("deadline", at))
	return controller.AwaitChange(), nil
}

// deadline returns the time that the annotation names.
func deadline(obj metav1.Object, value string) (time.Time, error) {
	if after, err := time.ParseDuration(value); err == nil {
		if after <= 0 { // probably a mistake, and a deletion cannot be taken back
			return time.Time{}, fmt.Errorf("annotation %s: the duration %s is not positive", Annotation, after)
		}
		return obj.GetCreationTimestamp().Add(after), nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, fmt.Errorf("annotation %s: %q is neither a duration, such as 36h, nor a time, such as 2030-01-01T00:00:00Z", Annotation, value)
	}
	return at, nil
}
