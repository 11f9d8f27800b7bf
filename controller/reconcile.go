package controller

import (
	"context"
	"errors"
	"time"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// SkipCleanupAnnotation is the annotation that, with the value "true", has an object deleted
// without Cleanup, if Options.AllowSkipCleanup is set.
const SkipCleanupAnnotation = "kuberator.dev/skip-cleanup"

// afterwards is the time that an ErrorHandler has if the ctx of the attempt is over.
const afterwards = 10 * time.Second

// errUnfinished keeps the finalizer for a Cleanup that asked for another attempt.
var errUnfinished = errors.New("the cleanup is not finished")

// reconcile makes the attempt and fills in how it went. It returns false if there was
// nothing to attempt: no object, or one that is being deleted and is not ours to
// clean up.
func (t *reconciliation[T, C]) reconcile(work, ctx context.Context) bool {
	at := &t.at
	if len(t.it.Record.orphans()) > 0 {
		at.Err = t.bypassed(ctx)
		_, again := at.Action.After()
		return at.Bypassed || at.Err != nil || again
	}
	obj, err := t.snapshot(ctx)
	if err == nil && obj == *new(T) {
		t.r.strip(t.it)
		return false
	}
	if err == nil {
		at.UID = obj.GetUID()
		at.Action, err = t.step(ctx, obj)
		if t.stepped = err == nil; t.stepped && at.Op == kerr.OpGet {
			t.r.queue.Forget(t.it)
			return false
		}
	}
	if errors.Is(err, errUnfinished) {
		err = nil
	}
	if failed := t.journal.Failed(); failed != nil {
		err = kerr.New(kerr.OpGet, t.c.repo.Kind(), at.Key, at.UID, failed)
	}
	if err != nil {
		at.Op = opOf(err, at.Op)
		at.Action, err = t.handleError(work, ctx, obj, notLeading(work, err))
	}
	at.Err = err
	return true
}

// notLeading gives an error the class NotLeader if the lease of the work is over: what failed then
// need not be told from what was cut off.
func notLeading(work context.Context, err error) error {
	if f := fence.From(work); f != nil && f.Check() != nil {
		return kerr.Mark(kerr.ClassNotLeader, err)
	}
	return err
}

// step does nothing to a paused object, and works on others.
func (t *reconciliation[T, C]) step(ctx context.Context, obj T) (Action, error) {
	if !t.meetsPause(obj) {
		if action, err := t.work(ctx, obj); !t.paused {
			return action, err
		}
	}
	return AwaitChange(), t.pause(ctx)
}

// work adds the finalizer, applies, or cleans up.
func (t *reconciliation[T, C]) work(ctx context.Context, obj T) (Action, error) {
	if t.c.excludes(obj) {
		return t.letGo(ctx, obj)
	}
	if t.c.finalizer != NoFinalizer {
		return finalizer.Reconcile(ctx, t.c.repo, t.c.finalizer, obj, t.apply, t.cleanup)
	}
	if obj.GetDeletionTimestamp() != nil {
		return AwaitChange(), nil
	}
	action, err := t.apply(ctx, obj)
	return action, kerr.New(kerr.OpApply, t.c.repo.Kind(), t.at.Key, t.at.UID, err)
}

func (t *reconciliation[T, C]) apply(ctx context.Context, obj T) (action Action, err error) {
	if t.meetsPause(obj) || t.c.excludes(obj) { // the server answered with it when the finalizer was added
		return AwaitChange(), nil
	}
	t.give(kerr.OpApply, obj)
	defer recovered(&err)
	return t.c.user.Apply(ctx, obj)
}

func (t *reconciliation[T, C]) cleanup(ctx context.Context, obj T) (action Action, err error) {
	if t.c.opts.AllowSkipCleanup && obj.GetAnnotations()[SkipCleanupAnnotation] == "true" {
		t.c.opts.Logger.Warn("cleanup skipped, as the annotation "+SkipCleanupAnnotation+" asks", t.at.names()...)
		t.cleaned = true
		return AwaitChange(), nil
	}
	return t.callCleanup(ctx, obj)
}

// callCleanup calls Cleanup, whatever the annotation says that skips it.
func (t *reconciliation[T, C]) callCleanup(ctx context.Context, obj T) (action Action, err error) {
	t.give(kerr.OpCleanup, obj)
	defer recovered(&err)
	action, err = finished(t.c.user.Cleanup(ctx, obj))
	t.cleaned = err == nil // and not in a defer: there is no error either while runtime.Goexit unwinds
	return action, err
}

// finished returns an error for a Cleanup that asked for another attempt.
func finished(action Action, err error) (Action, error) {
	if err == nil && action != AwaitChange() {
		err = errUnfinished
	}
	return action, err
}

// give notes the state that user code gets.
func (t *reconciliation[T, C]) give(op kerr.Op, obj T) {
	t.at.Op = op
	t.given = t.pristine(obj)
	t.journal.WorkOn(journal.State{
		UID: obj.GetUID(), Pristine: t.given, Managers: obj.GetManagedFields(), Paused: t.paused,
	})
}

// handleError calls the user's ErrorHandler, but not for a conflict, without a lease, or for what a PauseHandler was told. After an attempt that ran
// out of time it has 10 s, unless a shutdown has ended the attempt.
func (t *reconciliation[T, C]) handleError(work, ctx context.Context, obj T, err error) (_ Action, handled error) {
	told := t.paused && t.c.pauser != nil
	if class := kerr.ClassOf(err); t.c.handler == nil || told || obj == *new(T) || class == kerr.ClassConflict || class == kerr.ClassNotLeader {
		return t.at.Action, err
	}
	if t.given != *new(T) { // what Apply and Cleanup got may have been changed
		obj = t.given
	}
	obj = obj.DeepCopyObject().(T)
	if ctx.Err() != nil && work.Err() == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), afterwards)
		defer cancel()
	}
	var panicked error
	action, handled := func() (_ Action, err2 error) {
		defer recovered(&panicked)
		return t.c.handler.HandleError(ctx, obj, err)
	}()
	handled = kerr.Contain(handled)
	if _, named := errors.AsType[*kerr.Error](handled); !named {
		handled = kerr.New(opOf(err, kerr.OpApply), t.c.repo.Kind(), repository.Key(obj), obj.GetUID(), handled)
	}
	return action, errors.Join(handled, kerr.New(opOf(err, kerr.OpApply), t.c.repo.Kind(), repository.Key(obj), obj.GetUID(), panicked))
}

// recovered turns a panic into *err, and makes an error of user code one that can do no harm. It
// must be deferred by each function that calls user code on a worker.
func recovered(err *error) {
	if value := recover(); value != nil {
		*err = kerr.Recovered(value)
	}
	*err = kerr.Contain(*err)
}

// opOf returns the step of the outermost *kerr.Error.
func opOf(err error, otherwise kerr.Op) kerr.Op {
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return e.Op
	}
	return otherwise
}
