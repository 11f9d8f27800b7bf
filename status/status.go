// Package status writes the status of an object with [Patch]: one request with the fields that
// differ, or none.
//
// It also works without a controller. Inside a reconcile of package controller it knows the state
// that the server last returned, so that obj.Status may be changed in place and passed to
// [Patch].
package status

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/nilness"
	"github.com/kuberator/kuberator/internal/pinned"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// GenerationObserver is an optional interface that can be implemented by a status
// type (or a pointer to it). If implemented, [Patch] calls it with obj.Generation, the generation
// that the reconcile worked on. While a controller holds obj for paused it does not: no reconcile has
// seen that generation.
type GenerationObserver interface {
	// ObserveGeneration puts the generation into the status.
	ObserveGeneration(generation int64)
}

// ErrorObserver is implemented by a pointer to a status type that shows the last error.
// [PatchError] calls ObserveError, with nil after a success. The text of err is one line of at
// most 4 KiB without control characters; errors.Is and errors.As reach its cause.
type ErrorObserver interface {
	ObserveError(err error)
}

// Patch makes status the status of obj on the API server, and returns the object as the server
// stored it. If the server already has that status, it sends nothing and returns obj. status is a
// struct, such as obj.Status, or a pointer to one; a nil pointer is an empty status.
//
// # Expected flow
//
//	s := obj.Status             // or a fresh value
//	s.Copies = 3
//	obj, err = status.Patch(ctx, repo, obj, s)
//
// # Guarantees
//
//   - No write is sent when status is what the server has.
//   - Top-level fields that differ from those of obj are set, fields that status leaves out are
//     removed, and other fields are not sent. This difference is computed once. A field that
//     differs is sent whole: what the Go type does not have inside of it is removed.
//   - The write names the UID and the resourceVersion that it was decided on: it never
//     lands on an object of the same name that was created later, nor on a later state.
//   - If the object changed since obj was read, the same change is made to the live object. If
//     another client changed one of these fields, nothing is written and the error is of class
//     Conflict: an old request does not overwrite a newer value.
//
// # Assumptions
//
// status has all fields that this controller writes. Two controllers may write different
// top-level fields of one status, but not the same field. Two processes of one operator are two
// such controllers: each gets the writes of the other as conflicts.
//
// # Caveats
//
// Outside a reconcile, obj must be as the server returned it. If its status was changed in place,
// there is nothing to compare with, and nothing is sent. Inside a reconcile the library has kept
// the original status.
//
// A Go struct has a value for a field without omitempty even if the server has no such field. The
// server's managedFields show which fields it has, but caches leave them out. So the first Patch
// of an object after a start may read it from the server once, if its status has fields that are
// zero. A repository over a generated client cannot find that out for objects without
// managedFields; their zero fields are written once.
//
// # Errors
//
// A [*kerr.Error] with the step OpPatchStatus. Its class is Conflict if another client changed
// the same fields, NotFound if the object with this UID is gone, NoStatusSubresource if the kind
// has no status subresource, and Invalid if the server refuses the content. It is Terminal if
// status cannot be encoded as a JSON object. An obj that is nil or has no name is
// [kerr.ErrUnnamed].
func Patch[T repository.Object, S any](ctx context.Context, p repository.Repository[T], obj T, status S) (T, error) {
	if obj == *new(T) || obj.GetName() == "" {
		return *new(T), kerr.New(kerr.OpPatchStatus, p.Kind(), types.NamespacedName{}, "", kerr.ErrUnnamed)
	}
	if !journal.From(ctx).Paused(p.Kind(), repository.Key(obj), obj.GetUID()) {
		observe(&status, obj.GetGeneration())
	}
	got, err := patch(ctx, p, obj, status)
	if err != nil {
		return *new(T), kerr.New(kerr.OpPatchStatus, p.Kind(), repository.Key(obj), obj.GetUID(), err)
	}
	return got, nil
}

// PatchError calls status.ObserveError with err, whose text is bounded, and then [Patch]. A nil
// err removes the last error from the status.
func PatchError[T repository.Object, S ErrorObserver](ctx context.Context, p repository.Repository[T], obj T, status S, err error) (T, error) {
	if !nilness.Is(status) {
		status.ObserveError(kerr.Bounded(err, kerr.MaxMessage))
	}
	return Patch(ctx, p, obj, status)
}

// Observed reports whether the generation of obj is the observed one: the spec has not changed
// since the status was written. It is false if observedGeneration is 0, as for kinds without a
// generation.
func Observed[T metav1.Object](obj T, observedGeneration int64) bool {
	return observedGeneration != 0 && obj.GetGeneration() == observedGeneration
}

// observe calls ObserveGeneration on S, where S is a pointer, or on *S.
func observe[S any](status *S, generation int64) {
	if nilness.Is(*status) {
		return // an empty status
	}
	if o, ok := any(*status).(GenerationObserver); ok {
		o.ObserveGeneration(generation)
	} else if o, ok := any(status).(GenerationObserver); ok {
		o.ObserveGeneration(generation)
	}
}

func patch[T repository.Object, S any](ctx context.Context, p repository.Repository[T], obj T, status S) (T, error) {
	a := journal.From(ctx)
	known := a.Status(p.Kind(), repository.Key(obj), obj.GetUID())
	if unchanged(obj, known, status) {
		return obj, nil
	}
	want, err := encode(status)
	if err != nil {
		return *new(T), err
	}
	have, err := base(a, p.Kind(), obj, known)
	if err != nil {
		return *new(T), err
	}
	if isKept(known.Kept, have, want) {
		return obj, nil
	}
	if !have.tells(want) {
		now, err := live(ctx, p, obj)
		if err != nil {
			return *new(T), err
		}
		have = now.seenAs(have, want)
	}
	got, now, err := send(ctx, p, obj, have, want)
	if dry, ok := p.(repository.DryRunner); err == nil && !(ok && dry.DryRun()) {
		a.SetStatus(p.Kind(), repository.Key(obj), obj.GetUID(), now, now.record(want.json))
	}
	return got, err
}

// send makes the change, on the state that it was decided on or, if that is not the live one, on
// the live one. It returns the object, and the status that it has now.
func send[T repository.Object](ctx context.Context, p repository.Repository[T], obj T, have, want document) (T, document, error) {
	c := changeOf(have, want)
	first, failed := true, error(nil)
	now := have
	got, err := pinned.Write(ctx, p, obj, func(state T) (ops []pinned.Op) {
		if !first {
			now, failed = stored(state, state.GetManagedFields())
		}
		if now.guess && failed == nil && !now.tells(document{fields: c.after}) {
			now, failed = live(ctx, p, obj)
		}
		if first = false; failed == nil {
			ops, failed = c.ops(now)
		}
		return ops
	}, "status")
	if failed != nil {
		return *new(T), now, failed
	}
	if err != nil {
		return *new(T), now, err
	}
	if got == obj {
		return got, c.answered(now), nil
	}
	if now, ok := want.isShownBy(got); ok {
		return got, now, nil
	}
	now, err = stored(got, got.GetManagedFields())
	return got, c.answered(now), err
}

// live returns the status that the server has. If its answer does not show either whether a zero
// field exists, the field counts as missing.
func live[T repository.Object](ctx context.Context, p repository.Repository[T], obj T) (document, error) {
	if raw, ok := p.(pinned.Untyped); ok {
		got, err := raw.GetUnstructured(ctx, repository.Key(obj))
		switch {
		case err == nil && got.GetUID() != obj.GetUID():
			return document{}, pinned.Gone(obj)
		case err == nil:
			return stored(got, nil)
		case !errors.Is(err, errors.ErrUnsupported):
			return document{}, err
		}
	}
	got, err := pinned.Live(ctx, p, obj)
	if err != nil {
		return document{}, err
	}
	d, err := stored(got, got.GetManagedFields())
	if d.guess {
		d.certain()
	}
	return d, err
}

// base returns the status that the server had when it last returned obj: inside a
// reconcile, what the attempt kept; else what obj shows.
func base(a *journal.Journal, kind schema.GroupVersionKind, obj object, known journal.KnownStatus) (document, error) {
	written, ok := known.Written.(document)
	if !ok {
		shows, managers := obj, obj.GetManagedFields()
		if known.Object != nil {
			shows, managers = known.Object, known.Managers
		}
		var err error
		if written, err = stored(shows, managers); err != nil {
			return document{}, err
		}
	}
	d := written
	if d.guess && known.Kept.Shown == d.shownHash() {
		d.only(known.Kept.Fields.Names())
	}
	// Another write of the same attempt, of the labels for example, is no conflict.
	w, ok := a.Last(journal.Ref{Kind: kind.GroupKind(), Key: repository.Key(obj)})
	if ok && w.Object != nil && w.UID == obj.GetUID() && journal.Older(d.resourceVersion, w.ResourceVersion) {
		if now, err := shown(w.Object); err == nil && bytes.Equal(now, d.json) {
			d.resourceVersion = w.ResourceVersion
		}
	}
	return d, nil
}

// isKept reports whether want is what the server is known to have: it was read or
// written in an earlier attempt, and the object still shows the same.
func isKept(kept journal.Status, have, want document) bool {
	return kept.Content == sha256.Sum256(want.json) &&
		(have.resourceVersion != "" && kept.ResourceVersion == have.resourceVersion || kept.Shown == have.shownHash())
}
