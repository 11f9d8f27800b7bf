// Package status writes the status of an object: one request with what differs, or
// none.
//
// It needs no controller. Inside a reconcile of package controller it knows the
// state that the server last returned, so that obj.Status may be changed in place
// and passed to [Patch].
package status

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/internal/pinned"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// GenerationObserver is an optional interface that can be implemented by a status
// type (or a pointer to it). If implemented, [Patch] calls it with the generation
// of the object that it is given, which is the one that the reconcile worked on.
type GenerationObserver interface {
	ObserveGeneration(generation int64)
}

// ErrorObserver is implemented by a pointer to a status type that shows the last
// error. err is nil after a success. Its text is one line of at most 4 KiB without
// control characters, and errors.Is and errors.As reach its cause.
type ErrorObserver interface {
	ObserveError(err error)
}

// Patch makes status the status of obj on the API server and returns the object as
// the server answered; if that changes nothing, it sends nothing and returns obj.
//
// # Expected flow
//
//	s := obj.Status             // or a fresh value
//	s.Copies = 3
//	obj, err = status.Patch(ctx, repo, obj, s)
//
// # Guarantees
//
//   - No request is sent when status is what the server has, as far as obj tells.
//   - Fields that differ are set, fields that status leaves out are removed, other
//     fields are not sent.
//   - The write names the UID of obj: it never lands on an object of the same name
//     that was created later.
//   - If the object changed since obj was read, what differs is worked out again
//     from the live object.
//
// # Assumptions
//
// status is the whole status, of one owner: two controllers that write different
// top-level fields get along, two that write the same field do not.
//
// # Caveats
//
// Outside a reconcile, obj must be as the server returned it. If its status was
// changed in place there is nothing left to compare with, and nothing is sent.
// Inside a reconcile the library has kept what it needs.
//
// # Errors
//
// A [*kerr.Error] with the step OpPatchStatus. Its class is Gone if the object with
// this UID is gone, NoStatusSubresource if the kind has no status subresource, and
// Invalid if the server refuses the content. An obj without a name is
// [kerr.ErrUnnamed].
func Patch[T repository.Object, S any](ctx context.Context, p repository.Repository[T], obj T, status S) (T, error) {
	if obj == *new(T) || obj.GetName() == "" {
		return *new(T), kerr.New(kerr.OpPatchStatus, p.Kind(), types.NamespacedName{}, "", kerr.ErrUnnamed)
	}
	observe(&status, obj.GetGeneration())
	got, err := patch(ctx, p, obj, status)
	if err != nil {
		return *new(T), kerr.New(kerr.OpPatchStatus, p.Kind(), repository.Key(obj), obj.GetUID(), err)
	}
	return got, nil
}

// PatchError is [Patch] after showing err to status. err may be nil, which is how a
// status forgets the last error.
func PatchError[T repository.Object, S ErrorObserver](ctx context.Context, p repository.Repository[T], obj T, status S, err error) (T, error) {
	status.ObserveError(kerr.Bounded(err, kerr.MaxMessage))
	return Patch(ctx, p, obj, status)
}

// Observed tells whether the generation of obj is the observed one: the spec did
// not change since the status was written. It is false for kinds without a
// generation.
func Observed[T metav1.Object](obj T, observedGeneration int64) bool {
	return observedGeneration != 0 && obj.GetGeneration() == observedGeneration
}

// observe calls ObserveGeneration on S, where S is a pointer, or on *S.
func observe[S any](status *S, generation int64) {
	if o, ok := any(*status).(GenerationObserver); ok {
		o.ObserveGeneration(generation)
	} else if o, ok := any(status).(GenerationObserver); ok {
		o.ObserveGeneration(generation)
	}
}

func patch[T repository.Object, S any](ctx context.Context, p repository.Repository[T], obj T, status S) (T, error) {
	want, err := encode(status)
	if err != nil {
		return *new(T), err
	}
	a := attempt.From(ctx)
	have, err := known(a, p.Kind(), obj)
	if err != nil {
		return *new(T), err
	}
	if have.equal(want) {
		return obj, nil
	}
	first, failed := true, error(nil)
	got, err := pinned.Write(ctx, p, obj, func(state T) []pinned.Op {
		if !first {
			have, failed = statusOf(state)
		}
		first = false
		return diff(have, want, state.GetResourceVersion())
	}, "status")
	if failed != nil {
		return *new(T), failed
	}
	if err == nil {
		if now, encodeErr := statusOf(got); encodeErr == nil {
			a.WroteStatus(p.Kind(), repository.Key(obj), obj.GetUID(), now.json)
		}
	}
	return got, err
}

// known returns the status that the server last returned: inside a reconcile what
// the attempt kept, else what obj has.
func known[T repository.Object](a *attempt.Attempt, kind schema.GroupVersionKind, obj T) (document, error) {
	pristine, written := a.Known(kind, repository.Key(obj), obj.GetUID())
	switch {
	case written != nil:
		return parse(written)
	case pristine != nil:
		return statusOf(pristine)
	default:
		return statusOf(obj)
	}
}
