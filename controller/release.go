package controller

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// ReleaseAll prepares for uninstalling an operator: for every object that carries
// the finalizer it calls Cleanup and removes the finalizer. Without it, objects and
// their namespaces could not be deleted any more once the operator is gone.
//
// # Guarantees
//
// An object whose Cleanup fails, or is not finished, keeps its finalizer. The other
// objects are released all the same.
//
// # Assumptions
//
// No process applies these objects at the same time, or afterwards: the controller
// must be stopped, everywhere.
//
// # Errors
//
// The failures, joined; beyond ten they are counted. An error at once if this
// controller is running. Calling it again takes up what is left.
func (c *Controller[T, C]) ReleaseAll(ctx context.Context) error {
	if c.finalizer == NoFinalizer {
		return nil
	}
	r, err := c.begin()
	if err != nil {
		return fmt.Errorf("release all: %w", err)
	}
	defer c.end()
	r.queue.ShutDown() // nothing is reconciled
	const most = 10
	var failures []error
	failed := 0
	err = c.eachLive(ctx, func(obj T) {
		if err := c.release(ctx, obj); err != nil {
			if failed++; failed <= most {
				failures = append(failures, err)
			}
		}
	})
	if failed > most {
		failures = append(failures, fmt.Errorf("and %d more", failed-most))
	}
	if err != nil {
		failures = append(failures, fmt.Errorf("release all: %w", err))
	}
	return errors.Join(failures...)
}

// release lets one object go.
func (c *Controller[T, C]) release(ctx context.Context, obj T) (err error) {
	if !finalizer.Held(obj, c.finalizer) {
		return nil
	}
	at := &Attempt{Key: repository.Key(obj), UID: obj.GetUID()}
	if c.left.busyWith(at.Key) {
		return kerr.New(kerr.OpCleanup, c.repo.Kind(), at.Key, at.UID, errors.New("an attempt that was abandoned is still running"))
	}
	_, err = finalizer.Release(ctx, c.repo, c.finalizer, obj, func(ctx context.Context, obj T) (action Action, err error) {
		defer recovered(&err)
		return finished(c.user.Cleanup(ctx, obj))
	})
	if err != nil {
		c.opts.Logger.Error("release failed, the finalizer stays", append(at.names(), errorFields(err)...)...)
	}
	return err
}

// eachLive calls f for every object on the server that the controller would see.
func (c *Controller[T, C]) eachLive(ctx context.Context, f func(T)) error {
	var errs []error
	for _, lw := range c.informer.ListerWatchers() {
		objs, err := repository.ListFrom[T](ctx, c.repo.Kind(), lw, metav1.ListOptions{})
		errs = append(errs, err)
		for _, obj := range objs {
			f(obj)
		}
	}
	return errors.Join(errs...)
}
