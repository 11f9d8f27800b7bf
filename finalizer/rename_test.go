package finalizer_test

import (
	"context"
	"errors"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/repository"
)

const (
	former  = "example.com/hello"    // of the releases before
	present = "example.com/greeting" // of this one: what Finalizer returns
)

// rename takes the former finalizer from the objects, and returns how many may still carry it.
// Call it, beside the controller, until there are none.
func rename(
	ctx context.Context, repo *repository.Live[*corev1.ConfigMap], cleanup func(context.Context, *corev1.ConfigMap) error,
) (left int, err error) {
	objs, err := repo.List(ctx, "", metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	var failures []error
	for _, obj := range objs {
		switch {
		case !finalizer.Held(obj, former):
			continue
		case finalizer.Held(obj, present): // the controller cleans it up
			err = finalizer.Remove(ctx, repo, former, obj)
		case obj.DeletionTimestamp != nil: // no other finalizer can be added, so the controller does not
			_, err = finalizer.Reconcile(ctx, repo, former, obj, nothing, func(ctx context.Context, obj *corev1.ConfigMap) (struct{}, error) {
				return struct{}{}, cleanup(ctx, obj)
			})
		default:
			err = nil // the controller will add its own
		}
		left++
		failures = append(failures, err)
	}
	return left, errors.Join(failures...)
}

// nothing is an Apply: objects that are being deleted are not applied.
func nothing(context.Context, *corev1.ConfigMap) (struct{}, error) { return struct{}{}, nil }

// renameAll calls rename each minute until nothing carries the former finalizer. It waits for objects that are paused,
// to which the controller adds no finalizer: see what is logged.
func renameAll(
	ctx context.Context, repo *repository.Live[*corev1.ConfigMap], cleanup func(context.Context, *corev1.ConfigMap) error,
) error {
	for {
		left, err := rename(ctx, repo, cleanup)
		if left == 0 && err == nil {
			<-ctx.Done() // a runner that returns early is an error
			return nil
		}
		slog.InfoContext(ctx, "objects carry the former finalizer", "left", left, "error", err)
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return nil
		}
	}
}
