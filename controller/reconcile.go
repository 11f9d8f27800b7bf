package controller

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// SkipCleanupAnnotation set to "true" lets an object go without Cleanup, if
// Options.AllowSkipCleanup is on.
const SkipCleanupAnnotation = "kuberator.dev/skip-cleanup"

// errUnfinished carries a Cleanup that asked for another turn past the finalizer,
// which must stay for it.
var errUnfinished = errors.New("the cleanup is not finished")

// reconcile makes the attempt at, whose key is set, and fills in how it went. It
// returns false if there was nothing to attempt: no object, or one that is being
// deleted and is not ours to clean up.
func (c *Controller[T, C]) reconcile(ctx context.Context, r *running[T], at *Attempt) bool {
	obj, err := c.snapshot(ctx, r, at.Key)
	if err == nil && obj == *new(T) {
		r.queue.Forget(at.Key)
		r.states.forget(at.Key)
		return false
	}
	if err == nil {
		at.UID = obj.GetUID()
		if at.Action, err = c.step(ctx, at, obj); err == nil && at.Op == kerr.OpGet {
			r.queue.Forget(at.Key)
			return false
		}
	}
	if errors.Is(err, errUnfinished) {
		err = nil
	}
	if err != nil {
		at.Op = opOf(err, at.Op)
		at.Action, err = c.handleError(ctx, obj, at.Action, err)
	}
	at.Err = err
	return true
}

// step adds the finalizer, applies, or cleans up.
func (c *Controller[T, C]) step(ctx context.Context, at *Attempt, obj T) (Action, error) {
	apply := func(ctx context.Context, obj T) (Action, error) {
		return c.userStep(ctx, at, kerr.OpApply, obj, c.user.Apply)
	}
	if c.finalizer != NoFinalizer {
		return finalizer.Reconcile(ctx, c.repo, c.finalizer, obj, apply, func(ctx context.Context, obj T) (Action, error) {
			return c.cleanup(ctx, at, obj)
		})
	}
	if obj.GetDeletionTimestamp() != nil {
		return AwaitChange(), nil
	}
	action, err := apply(ctx, obj)
	return action, kerr.New(kerr.OpApply, c.repo.Kind(), at.Key, at.UID, err)
}

func (c *Controller[T, C]) cleanup(ctx context.Context, at *Attempt, obj T) (Action, error) {
	if c.opts.AllowSkipCleanup && obj.GetAnnotations()[SkipCleanupAnnotation] == "true" {
		c.opts.Logger.Warn("cleanup skipped, as the annotation "+SkipCleanupAnnotation+" asks", at.names()...)
		return AwaitChange(), nil
	}
	action, err := finished(c.userStep(ctx, at, kerr.OpCleanup, obj, c.user.Cleanup))
	if err != nil {
		at.deleting = time.Since(obj.GetDeletionTimestamp().Time)
	}
	return action, err
}

// finished makes an error of a Cleanup that asked for another turn.
func finished(action Action, err error) (Action, error) {
	if err == nil && action != AwaitChange() {
		err = errUnfinished
	}
	return action, err
}

// userStep calls user code with obj, after noting the state that it gets.
func (c *Controller[T, C]) userStep(ctx context.Context, at *Attempt, op kerr.Op, obj T, f func(context.Context, T) (Action, error)) (action Action, err error) {
	at.Op = op
	pristine := c.pristine(at.Key, obj)
	attempt.From(ctx).WorkOn(attempt.State{
		UID: obj.GetUID(), ResourceVersion: obj.GetResourceVersion(), Pristine: pristine,
		NoNews: func(answer runtime.Object) bool {
			after, ok := answer.(T)
			return ok && !c.matters(pristine, after)
		},
	})
	defer recovered(&err)
	return f(ctx, obj)
}

// handleError asks the user's ErrorHandler. A conflict is not worth its attention.
func (c *Controller[T, C]) handleError(ctx context.Context, obj T, action Action, err error) (_ Action, handled error) {
	if c.handler == nil || obj == *new(T) || kerr.ClassOf(err) == kerr.ClassConflict {
		return action, err
	}
	var panicked error
	action, handled = func() (_ Action, err2 error) {
		defer recovered(&panicked)
		return c.handler.HandleError(ctx, obj, err)
	}()
	return action, errors.Join(handled, kerr.New(opOf(err, kerr.OpApply), c.repo.Kind(), repository.Key(obj), obj.GetUID(), panicked))
}

// recovered turns a panic into *err. It must be deferred.
func recovered(err *error) {
	if value := recover(); value != nil {
		*err = kerr.Recovered(value)
	}
}

// opOf returns the step of the outermost *kerr.Error.
func opOf(err error, otherwise kerr.Op) kerr.Op {
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return e.Op
	}
	return otherwise
}

// names returns the log fields that name the object.
func (at *Attempt) names() []zap.Field {
	return []zap.Field{
		zap.String("namespace", kerr.Text(at.Key.Namespace, kerr.MaxLog)),
		zap.String("name", kerr.Text(at.Key.Name, kerr.MaxLog)),
		zap.String("uid", kerr.Text(string(at.UID), kerr.MaxLog)),
	}
}
