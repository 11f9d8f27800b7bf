package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/repository"
)

// NoFinalizer is what [Context].Finalizer returns if there is nothing to clean up. Cleanup is
// then never called, and Apply is not called for objects that are being deleted.
const NoFinalizer = finalizer.None

// Context is what you implement: what to do for an object of type T.
//
// Apply, Cleanup and HandleError are called concurrently for different objects, by
// Options.Workers goroutines (4 by default). What they share, such as a map or a client that is
// not safe for concurrent use, needs a lock. For one object at most one of Apply and Cleanup runs
// at a time.
//
// # Guarantees
//
//   - Apply is called for every object that exists, and again after every change of it that
//     passes the filter (see Controller.Filter), until a call that started from the latest state
//     succeeds. Normally that is one call for each generation; several events may lead to one
//     call. It waits while the object is paused, see [PausedAnnotation], and is not called for
//     objects that a [Selector] leaves out.
//   - Apply is called only while the object carries the finalizer and is not being deleted.
//     Before an object for which it was called is gone, Cleanup succeeds at least once, whatever
//     crashes in between.
//   - Cleanup is called only after a read in the same attempt confirmed that this object, by UID,
//     is being deleted, or is left out by a [Selector].
//
// # Assumptions
//
// Both are idempotent: they run again after a crash, a lost answer, or a change that does not
// concern them. Cleanup may run for an object for which Apply was never called.
//
// # Caveats
//
// A finalizer that is removed by force, or that the API server ignores in a race between its
// addition and a deletion, cannot keep the object. Cleanup is then called with the last known
// state, see [Bypassed], unless the process ends before that; see [Sweeper].
//
// # Errors
//
// A returned error is retried with exponential backoff, by default from 100 ms to 5 min. Wrap it
// with [kerr.Terminal], [kerr.Invalid] or [kerr.After] for another schedule. An Action returned
// beside an error counts only if the error is not retried. docs/retries.md has the whole table.
type Context[T repository.Object] interface {
	// Finalizer returns the name of the finalizer, such as "example.com/cleanup",
	// or [NoFinalizer]. It is called once, by [New].
	Finalizer() string
	// Apply makes the cluster, or something outside it, match obj. obj is a copy, which may be
	// changed. The deadline of ctx is Options.Timeout.
	Apply(ctx context.Context, obj T) (Action, error)
	// Cleanup undoes what Apply did. obj is a copy, which may be changed. If it returns an
	// [Action] other than [AwaitChange], it is not finished: the finalizer is kept, and Cleanup
	// is called again at that time.
	Cleanup(ctx context.Context, obj T) (Action, error)
}

// ErrorHandler is an optional interface that can be implemented by a [Context]. If implemented,
// HandleError is called with the error of an attempt, and what it returns takes the place of what
// Apply or Cleanup returned. A nil error counts as success: it resets the backoff, and another
// attempt is scheduled only if the Action asks for one. It does not remove the finalizer after a
// failed Cleanup.
//
// HandleError is not called for errors of class Conflict, which the next attempt resolves, nor for
// those of class NotLeader, nor if the object could not be read, nor for the Cleanup of an object that is gone (see [Bypassed]),
// nor for what a [PauseHandler] was told or returned.
// If the attempt has exceeded its deadline, ctx has 10 s left.
type ErrorHandler[T repository.Object] interface {
	HandleError(ctx context.Context, obj T, err error) (Action, error)
}

// Funcs makes a [Context] of functions. If ApplyFunc or CleanupFunc is nil, Apply or Cleanup does
// nothing. If SelectsFunc is nil, all objects are selected, see [Selector].
type Funcs[T repository.Object] struct {
	// FinalizerName is what Finalizer returns. It must be set. With [NoFinalizer], CleanupFunc
	// must be nil: it would never be called.
	FinalizerName string
	ApplyFunc     func(ctx context.Context, obj T) (Action, error)
	CleanupFunc   func(ctx context.Context, obj T) (Action, error)
	SelectsFunc   func(obj T) bool
}

// Finalizer returns FinalizerName.
func (f Funcs[T]) Finalizer() string { return f.FinalizerName }

// Apply calls ApplyFunc.
func (f Funcs[T]) Apply(ctx context.Context, obj T) (Action, error) {
	return call(ctx, f.ApplyFunc, obj)
}

// Cleanup calls CleanupFunc.
func (f Funcs[T]) Cleanup(ctx context.Context, obj T) (Action, error) {
	return call(ctx, f.CleanupFunc, obj)
}

// Selects calls SelectsFunc.
func (f Funcs[T]) Selects(obj T) bool { return f.SelectsFunc == nil || f.SelectsFunc(obj) }

func call[T any](ctx context.Context, f func(context.Context, T) (Action, error), obj T) (Action, error) {
	if f == nil {
		return AwaitChange(), nil
	}
	return f(ctx, obj)
}

func (f Funcs[T]) validate() error {
	if f.FinalizerName == NoFinalizer && f.CleanupFunc != nil {
		return errors.New("CleanupFunc would never be called without a finalizer")
	}
	return nil
}

// Action tells the controller when to reconcile the object again if nothing changes before. The
// zero value is [AwaitChange]: not at all.
type Action struct {
	requeue bool
	after   time.Duration
}

// AwaitChange asks for no further attempt until an event. A [Requeue] that is still pending for
// the object is cancelled.
func AwaitChange() Action { return Action{} }

// Requeue asks for another attempt after d, or earlier if something changes. It replaces an
// earlier Requeue for the object. A d of zero or less puts the object at the end of the queue.
func Requeue(d time.Duration) Action { return Action{requeue: true, after: max(d, 0)} }

// After returns the time given to [Requeue]; ok is false for [AwaitChange].
func (a Action) After() (d time.Duration, ok bool) { return a.after, a.requeue }

// String is for logs.
func (a Action) String() string {
	if !a.requeue {
		return "await change"
	}
	return fmt.Sprintf("requeue after %s", a.after)
}
