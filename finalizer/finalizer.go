// Package finalizer guarantees that cleanup code runs before an object is deleted: it adds a
// finalizer before the first apply and removes it after a successful cleanup.
//
// The API server does not remove an object before its finalizers are removed. [Reconcile] is the
// whole protocol in one function. It works with or without a controller.
package finalizer

import (
	"cmp"
	"context"
	"errors"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/pinned"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// Reconcile adds the finalizer name to obj and calls apply, or, if obj is being deleted, calls
// cleanup and removes the finalizer. R is the result type of the two functions; it is returned as
// it is.
//
// # Expected flow
//
// An object is held if it carries the finalizer, and live if it is not being deleted.
//
//	not held, live      add the finalizer, then apply with the object that the server returned
//	held, live          apply
//	held, deleting      read the object from the server to be sure, cleanup, remove the finalizer
//	not held, deleting  nothing to do
//
// # Guarantees
//
//   - apply is only called with a state that the server returned, that carries the
//     finalizer and that is not being deleted.
//   - cleanup is only called after a read in this call confirmed that the object
//     with the UID of obj still exists, is being deleted and carries the finalizer.
//   - The finalizer is removed only after cleanup returned no error. Hence for every
//     object for which apply was called, cleanup succeeds at least once before the
//     object is gone, whatever crashes in between.
//   - What apply and cleanup change in the object that they get has no effect on what is done
//     here: it is theirs.
//   - Writes name the UID of obj: an object of the same name created later is never
//     touched. They change this finalizer only, and remove all its duplicates.
//
// # Assumptions
//
// No other controller uses the finalizer's name for this kind. apply and cleanup
// are idempotent: both run again after a crash, and cleanup also runs for objects
// for which apply never did. Calls for one object do not overlap.
//
// # Caveats
//
// cleanup is not called if another client removes the finalizer by force, if etcd is restored
// from a backup of before the finalizer was added, if the stored objects of a
// CustomResourceDefinition are deleted, or if the API server began to serve the DELETE before it
// stored the finalizer (kubernetes#77988). A controller notices most of these, see
// controller.Bypassed.
//
// # Errors
//
// Each is a [*kerr.Error] whose Op is the step that failed, around the error of apply, of cleanup
// or of the request. An obj that is nil or has no name is [kerr.ErrUnnamed]. If the object is
// gone, there is no error and the result is the zero R.
func Reconcile[T repository.Object, R any](
	ctx context.Context, p repository.Repository[T], name string, obj T,
	apply, cleanup func(context.Context, T) (R, error),
) (R, error) {
	var none R
	if obj == *new(T) || obj.GetName() == "" {
		return none, kerr.New(kerr.OpApply, p.Kind(), types.NamespacedName{}, "", kerr.ErrUnnamed)
	}
	names := namesOf(p, obj) // before apply gets it, which may change it
	held, deleting := Held(obj, name), obj.GetDeletionTimestamp() != nil
	switch {
	case !held && deleting:
		return none, nil
	case !held:
		got, err := add(ctx, p, name, obj)
		if err != nil || got == *new(T) {
			return none, names.wrap(kerr.OpAddFinalizer, err)
		}
		obj = got
		fallthrough
	case !deleting:
		result, err := apply(ctx, obj)
		return result, names.wrap(kerr.OpApply, err)
	default:
		return release(ctx, p, name, obj, confirmDeleting[T], cleanup)
	}
}

// Release reads the object from the server, calls cleanup and removes the finalizer, whether or
// not the object is being deleted. It is for objects that an operator is not to have any more: those
// that it does not select, or all, when it is uninstalled.
//
// confirm is asked with the object that the server has, before cleanup and again before the removal;
// an error ends it. nil confirms everything. From an object that is not being deleted the finalizer is
// removed only if that is still its newest state: a removal that the server carries out late does not hit an
// object that was changed meanwhile. Without a confirm that knows, no other process must apply the object at
// the same time.
//
// If the object is gone or does not carry the finalizer, Release does nothing and returns no error.
// The errors are those of [Reconcile], and of class Conflict if the object changed during the removal.
func Release[T repository.Object, R any](
	ctx context.Context, p repository.Repository[T], name string, obj T,
	confirm func(T) error, cleanup func(context.Context, T) (R, error),
) (R, error) {
	if confirm == nil {
		confirm = func(T) error { return nil }
	}
	return release(ctx, p, name, obj, confirm, cleanup)
}

// Held reports whether obj carries the finalizer.
func Held(obj metav1.Object, name string) bool { return slices.Contains(obj.GetFinalizers(), name) }

// add returns the object with the finalizer, or nil if it must not be added any
// more because the object is gone or being deleted.
func add[T repository.Object](ctx context.Context, p repository.Repository[T], name string, obj T) (T, error) {
	if err := Validate(name); err != nil {
		return *new(T), kerr.Terminal(err)
	}
	got, err := pinned.Write(ctx, p, obj, func(state T) []pinned.Op {
		if Held(state, name) || state.GetDeletionTimestamp() != nil {
			return nil
		}
		return replace(state, append(slices.Clone(state.GetFinalizers()), name))
	})
	switch {
	case gone(err):
		return *new(T), nil
	case err != nil:
		return *new(T), err
	case got.GetDeletionTimestamp() != nil:
		return *new(T), nil // deleted meanwhile: its event leads to the cleanup, if we hold it
	}
	return got, nil
}

func release[T repository.Object, R any](
	ctx context.Context, p repository.Repository[T], name string, obj T,
	confirm func(T) error, cleanup func(context.Context, T) (R, error),
) (R, error) {
	var none R
	names := namesOf(p, obj)
	live, err := pinned.Live(ctx, p, obj)
	if gone(err) || err == nil && !Held(live, name) {
		return none, nil
	}
	if err == nil {
		err = confirm(live)
	}
	if err != nil {
		return none, names.wrap(kerr.OpCleanup, err)
	}
	kept := live.DeepCopyObject().(T) // live is the cleanup's, which may change it
	result, err := cleanup(ctx, live)
	if err != nil {
		return result, names.wrap(kerr.OpCleanup, err)
	}
	if kept.GetDeletionTimestamp() == nil {
		return result, names.wrap(kerr.OpRemoveFinalizer, removeLive(ctx, p, name, kept, confirm))
	}
	return result, names.wrap(kerr.OpRemoveFinalizer, Remove(ctx, p, name, kept))
}

// removeLive removes the finalizer from an object that goes on living, in exactly a state that is
// confirmed: what changed meanwhile may call for an Apply.
func removeLive[T repository.Object](ctx context.Context, p repository.Repository[T], name string, obj T, confirm func(T) error) error {
	return remove(ctx, p, name, obj, func(state T) ([]pinned.Op, error) {
		return []pinned.Op{pinned.Test("/metadata/resourceVersion", state.GetResourceVersion())}, confirm(state)
	})
}

// remove removes the finalizer from a state that allows it, under the tests that it is to pass. An error of allow
// ends it.
func remove[T repository.Object](ctx context.Context, p repository.Repository[T], name string, obj T, allow func(T) (tests []pinned.Op, err error)) error {
	var refused error
	_, err := pinned.Write(ctx, p, obj, func(state T) (ops []pinned.Op) {
		if refused = nil; !Held(state, name) {
			return nil
		}
		if ops, refused = allow(state); refused != nil {
			return nil
		}
		rest := slices.DeleteFunc(slices.Clone(state.GetFinalizers()), func(f string) bool { return f == name })
		return append(ops, replace(state, rest)...)
	})
	if gone(err) {
		return nil
	}
	return cmp.Or(refused, err)
}

// confirmDeleting refuses to clean up what the server does not report as being
// deleted, although the state we were given did.
func confirmDeleting[T repository.Object](live T) error {
	if live.GetDeletionTimestamp() != nil {
		return nil
	}
	return kerr.Mark(kerr.ClassConflict, errors.New("the live object is not being deleted"))
}

// Remove removes every copy of the finalizer from obj, without any cleanup, and nothing else.
// It sends nothing if obj does not carry it, and returns nil if the object is gone.
//
// # Errors
//
// Those of the repository, of class Conflict if another client changed the finalizers again and
// again meanwhile. They have no Op of their own: if you report them, wrap them with kerr.New.
func Remove[T repository.Object](ctx context.Context, p repository.Repository[T], name string, obj T) error {
	return remove(ctx, p, name, obj, func(T) ([]pinned.Op, error) { return nil, nil })
}

// replace sets the whole list, under the test that it is the one that was seen: an
// index into it, or a list of our own making, could hit other controllers'
// finalizers. A missing list passes the test as null.
func replace(state metav1.Object, finalizers []string) []pinned.Op {
	var seen any = pinned.Null
	if f := state.GetFinalizers(); len(f) > 0 {
		seen = f
	}
	return []pinned.Op{{Op: "test", Path: "/metadata/finalizers", Value: seen}, {Op: "add", Path: "/metadata/finalizers", Value: finalizers}}
}

func gone(err error) bool { return err != nil && kerr.ClassOf(err) == kerr.ClassNotFound }

// named is what names the object in errors.
type named struct {
	kind schema.GroupVersionKind
	key  types.NamespacedName
	uid  types.UID
}

func namesOf[T repository.Object](p repository.Repository[T], obj T) named {
	return named{p.Kind(), repository.Key(obj), obj.GetUID()}
}

func (n *named) wrap(op kerr.Op, err error) error { return kerr.New(op, n.kind, n.key, n.uid, err) }
