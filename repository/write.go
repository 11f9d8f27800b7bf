package repository

import (
	"context"
	"errors"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// Create creates obj and returns it as the server stored it.
//
// If an object of that name exists, or the outcome of the request is unknown, and obj has a
// controller owner reference, the existing object is read: if it has the same controller, by UID,
// it was created by an earlier attempt and is returned without an error. Otherwise the error is
// that of the request: of class AlreadyExists, where apierrors.IsAlreadyExists holds, or
// Ambiguous. The name must be set, else the error is [kerr.ErrUnnamed]: with a generated name, an
// attempt that is repeated would create a second object.
func (l *Live[T]) Create(ctx context.Context, obj T, opts ...CreateOption) (T, error) {
	got, err := l.create(ctx, obj, with(l.writing, opts))
	if err == nil || !apierrors.IsAlreadyExists(err) && kerr.ClassOf(err) != kerr.ClassAmbiguous {
		return got, err
	}
	owner := metav1.GetControllerOf(obj)
	if owner == nil {
		return *new(T), err
	}
	found, getErr := l.Get(ctx, Key(obj))
	if getErr != nil {
		return *new(T), err
	}
	if is := metav1.GetControllerOf(found); is == nil || is.UID != owner.UID {
		return *new(T), err
	}
	journal.From(ctx).Learned(journal.Found(l.ref(Key(obj)), found)) // no cache had it
	return found, nil
}

func (l *Live[T]) create(ctx context.Context, obj T, w writing) (T, error) {
	if obj != *new(T) && obj.GetResourceVersion() != "" {
		return *new(T), l.wrap(kerr.OpCreate, Key(obj), obj.GetUID(), kerr.Terminal(errors.New("an object that is created has no resourceVersion")))
	}
	return l.write(ctx, kerr.OpCreate, object(obj), w, func(ctx context.Context, _ types.NamespacedName) (T, error) {
		return l.backend.create(ctx, obj, w.createOptions())
	})
}

// Update sends what differs between before and after as a merge patch and returns
// the object as the server stored it; if nothing differs it sends nothing and
// returns before. The patch carries the resourceVersion of before: if the object
// changed or was replaced since, nothing is written and the error is of class
// Conflict. before must be what the server returned: one with a UID and no resourceVersion is
// refused, with class Terminal.
func (l *Live[T]) Update(ctx context.Context, before, after T, opts ...UpdateOption) (T, error) {
	for _, obj := range []T{before, after} {
		if err := l.refuse(kerr.OpUpdate, object(obj)); err != nil {
			return *new(T), err
		}
	}
	if before.GetUID() != "" && before.GetResourceVersion() == "" {
		return *new(T), l.wrap(kerr.OpUpdate, Key(before), before.GetUID(), kerr.Terminal(errors.New("before has no resourceVersion: it must be what the server returned")))
	}
	patch, err := mergePatch(before, after)
	if err != nil || patch == nil {
		return before, l.wrap(kerr.OpUpdate, Key(before), before.GetUID(), err)
	}
	w := with(l.writing, opts)
	return l.write(ctx, kerr.OpUpdate, before, w, func(ctx context.Context, key types.NamespacedName) (T, error) {
		return l.backend.patch(ctx, key, types.MergePatchType, patch, w.patchOptions())
	})
}

// mergePatch returns nil if the objects are equal.
func mergePatch(before, after metav1.Object) ([]byte, error) {
	if reflect.DeepEqual(before, after) { // as most are: to encode them takes much longer
		return nil, nil
	}
	from, err := fieldsIn(before)
	if err != nil {
		return nil, err
	}
	to, err := fieldsIn(after)
	if err != nil {
		return nil, err
	}
	patch := difference(from, to)
	if len(patch) == 0 {
		return nil, nil
	}
	if before.GetResourceVersion() == "" {
		return json.Marshal(patch) // only fakes have none
	}
	meta, _ := patch["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		patch["metadata"] = meta
	}
	meta["resourceVersion"] = before.GetResourceVersion()
	return json.Marshal(patch)
}

// difference returns the merge patch (RFC 7396) that makes from be to: the new value of each
// field that differs, and null for a field that is removed. A field that is null is like one that
// is not there.
func difference(from, to map[string]any) map[string]any {
	patch := map[string]any{}
	for field, was := range from {
		if was != nil && to[field] == nil {
			patch[field] = nil
		}
	}
	for field, is := range to {
		wasMap, inWas := from[field].(map[string]any)
		isMap, inIs := is.(map[string]any)
		switch {
		case inWas && inIs:
			if inner := difference(wasMap, isMap); len(inner) > 0 {
				patch[field] = inner
			}
		case !reflect.DeepEqual(from[field], is):
			patch[field] = is
		}
	}
	return patch
}
