package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/repository"
)

// NoFinalizer is returned by a [Context] that has nothing to clean up. Cleanup is
// then never called, and Apply is not called for objects that are being deleted.
const NoFinalizer = finalizer.None

// Context is what you implement: what to do for an object of type T.
//
// Apply, Cleanup and HandleError are called concurrently, by Options.Workers goroutines (4 by default),
// for different objects. What they share, such as a map or a client that is not safe for concurrent
// use, needs a lock. For one object never more than one of Apply and Cleanup runs.
//
// # Guarantees
//
//   - Apply is called for every object that exists, and again after every change of
//     it that passes the filter, until a call succeeds that began at the latest
//     state. Once per generation is the normal case; events may be merged.
//   - Apply is called only while the object carries the finalizer and is not being
//     deleted. Before an object for which it was called is gone, Cleanup succeeds at
//     least once, whatever crashes in between.
//   - Cleanup is called only after a read in the same attempt confirmed that this
//     very object, by UID, is being deleted.
//
// # Assumptions
//
// Both are idempotent: they run again after a crash, a lost answer, or a change
// that does not concern them. Cleanup may run for an object that Apply never saw.
//
// # Caveats
//
// A finalizer that is removed by force, or that the API server ignores in a race between its
// addition and a deletion, cannot keep the object. Cleanup then runs on the last known
// state, see [Bypassed], unless the process ends before; see [Sweeper].
//
// # Errors
//
// A returned error is retried with exponential backoff, by default from 100 ms to 5 min.
// Wrap it with [kerr.Terminal], [kerr.Invalid] or [kerr.After] for another schedule. An Action
// beside an error counts only if the error is not retried. docs/retries.md has the whole table.
type Context[T repository.Object] interface {
	// Finalizer returns the name of the finalizer, such as "example.com/cleanup",
	// or [NoFinalizer]. It is called once, by [New].
	Finalizer() string
	// Apply makes the world match obj. obj is a copy that may be changed. The
	// deadline of ctx is Options.Timeout.
	Apply(ctx context.Context, obj T) (Action, error)
	// Cleanup undoes what Apply did. An [Action] other than [AwaitChange] means that
	// it is not finished: the finalizer stays, and Cleanup is called again then.
	Cleanup(ctx context.Context, obj T) (Action, error)
}

// ErrorHandler is an optional interface that can be implemented by a [Context]. If
// implemented, it decides what an error of an attempt means: what it returns takes
// the place of what Apply or Cleanup returned. A nil error ends the object's
// failures. It is not called for conflicts, which the next attempt resolves.
type ErrorHandler[T repository.Object] interface {
	HandleError(ctx context.Context, obj T, err error) (Action, error)
}

// Funcs makes a [Context] of functions. A nil ApplyFunc or CleanupFunc does
// nothing.
type Funcs[T repository.Object] struct {
	// FinalizerName is what Finalizer returns. It must be set; [NoFinalizer] needs
	// CleanupFunc to be nil.
	FinalizerName string
	ApplyFunc     func(ctx context.Context, obj T) (Action, error)
	CleanupFunc   func(ctx context.Context, obj T) (Action, error)
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

// Action says when an object's turn comes again although nothing changed. The zero
// value is [AwaitChange].
type Action struct {
	requeue bool
	after   time.Duration
}

// AwaitChange waits for the next change. It ends an earlier [Requeue].
func AwaitChange() Action { return Action{} }

// Requeue comes back after d, or earlier if something changes. It takes the place
// of an earlier Requeue. A d of zero or less means at once, after the objects that
// wait already.
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
