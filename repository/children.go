package repository

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"

	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/kerr"
)

// Create creates obj and returns it as the server stored it.
//
// If an object of that name exists, or the outcome of the request is unknown, and
// obj has a controller owner reference, the existing object is read: if it has the
// same controller, by UID, it was created by an earlier attempt and is returned
// without an error. Otherwise the error is of class AlreadyExists and
// apierrors.IsAlreadyExists holds. The name must be set: a generated one would
// create a second object when an attempt is repeated.
func (l *Live[T]) Create(ctx context.Context, obj T) (T, error) {
	got, err := l.write(ctx, kerr.OpCreate, obj, func(types.NamespacedName) (T, error) {
		return l.backend.create(ctx, obj, metav1.CreateOptions{})
	})
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
	attempt.From(ctx).Learned(attempt.Found(l.ref(Key(obj)), found)) // no cache had it
	return found, nil
}

// Update sends what differs between before and after as a merge patch and returns
// the object as the server stored it; if nothing differs it sends nothing and
// returns before. The patch carries the resourceVersion of before: if the object
// changed or was replaced since, nothing is written and the error is of class
// Conflict.
func (l *Live[T]) Update(ctx context.Context, before, after T) (T, error) {
	if err := errors.Join(l.refuse(kerr.OpUpdate, before), l.refuse(kerr.OpUpdate, after)); err != nil {
		return *new(T), err
	}
	patch, err := mergePatch(before, after)
	if err != nil || patch == nil {
		return before, l.wrap(kerr.OpUpdate, Key(before), before.GetUID(), err)
	}
	return l.write(ctx, kerr.OpUpdate, before, func(key types.NamespacedName) (T, error) {
		return l.backend.patch(ctx, key, types.MergePatchType, patch, metav1.PatchOptions{})
	})
}

// mergePatch returns nil if the objects are equal.
func mergePatch(before, after metav1.Object) ([]byte, error) {
	from, err := json.Marshal(before)
	if err != nil {
		return nil, err
	}
	to, err := json.Marshal(after)
	if err != nil {
		return nil, err
	}
	diff, err := jsonmergepatch.CreateThreeWayJSONMergePatch(from, to, from)
	if err != nil {
		return nil, err
	}
	var patch map[string]any
	if err := json.Unmarshal(diff, &patch); err != nil || len(patch) == 0 {
		return nil, err
	}
	if before.GetResourceVersion() == "" {
		return diff, nil // only fakes have none
	}
	meta, _ := patch["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		patch["metadata"] = meta
	}
	meta["resourceVersion"] = before.GetResourceVersion()
	return json.Marshal(patch)
}

// Apply sends obj by server-side apply as the field manager and returns the object
// as the server stored it. Fields that another manager owns with another value are
// an error of class FieldManagerConflict.
//
// Inside a reconcile, what was applied before is not sent again as long as the object
// is unchanged, if the controller has a cache of its kind (Owns, Watches or
// References): the cached object is returned, as the informer keeps it, without
// managedFields.
//
// All fields that T marshals are applied. If obj has a UID it is sent, so that an
// object deleted in the meantime is not created again; without one, an object that
// does not exist is created, and one that somebody else made in the meantime is taken
// over: an apply cannot ask for there to be none. Where that matters, use Create.
func (l *Live[T]) Apply(ctx context.Context, obj T, fieldManager string) (T, error) {
	if err := l.refuse(kerr.OpServerSideApply, obj); err != nil {
		return *new(T), err
	}
	if fieldManager == "" {
		return *new(T), l.wrap(kerr.OpServerSideApply, Key(obj), obj.GetUID(), fmt.Errorf("the field manager is empty"))
	}
	data, err := l.applyPatch(obj)
	if err != nil {
		return *new(T), l.wrap(kerr.OpServerSideApply, Key(obj), obj.GetUID(), err)
	}
	a, ref := attempt.From(ctx), l.ref(Key(obj))
	hash := sha256.Sum256(append(data, fieldManager...))
	if have, same := applied[T](a, ref, hash); same {
		return have, nil
	}
	got, err := l.write(ctx, kerr.OpServerSideApply, obj, func(key types.NamespacedName) (T, error) {
		return l.backend.patch(ctx, key, types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: fieldManager})
	})
	if err == nil {
		a.SetApplied(ref, attempt.Applied{Hash: hash, UID: got.GetUID(), ResourceVersion: got.GetResourceVersion()})
	}
	return got, err
}

// applied returns the cached object if it is in the very state that the server
// answered with when the same fields were last applied. The request would change
// nothing.
func applied[T Object](a *attempt.Attempt, ref attempt.Ref, hash [32]byte) (have T, same bool) {
	last := a.Applied(ref)
	if last.Hash != hash || last.ResourceVersion == "" {
		return have, false
	}
	if w, ok := a.Last(ref); ok && (w.Outcome != attempt.Stored || w.ResourceVersion != last.ResourceVersion) {
		return have, false // written in another way since
	}
	cached, ok := a.Memory.Cached(ref).(T)
	if !ok || cached.GetUID() != last.UID || cached.GetResourceVersion() != last.ResourceVersion {
		return have, false
	}
	return cached.DeepCopyObject().(T), true
}

// applyPatch leaves out what a typed object marshals without anybody having set
// it, and what server-side apply refuses.
func (l *Live[T]) applyPatch(obj T) ([]byte, error) {
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	fields["apiVersion"], fields["kind"] = l.kind.ToAPIVersionAndKind()
	if meta, ok := fields["metadata"].(map[string]any); ok {
		for _, field := range []string{"managedFields", "creationTimestamp", "resourceVersion", "generation", "selfLink"} {
			delete(meta, field)
		}
	}
	if status, ok := fields["status"].(map[string]any); ok && len(status) == 0 {
		delete(fields, "status")
	}
	return json.Marshal(fields)
}

// Delete deletes obj, if the object of that name still has the UID of obj; one with
// another UID is left alone. An object that is gone already is not an error. An
// obj without a UID, which only fakes return, is deleted by its name alone.
func (l *Live[T]) Delete(ctx context.Context, obj T) error {
	return l.delete(ctx, obj, false)
}

// DeleteUnchanged is Delete for an object that must be as obj is, not only be the
// same one: if it changed since obj was read nothing is deleted, and the error is of
// class Conflict. It is for objects that belong to us only as long as a label says so.
func (l *Live[T]) DeleteUnchanged(ctx context.Context, obj T) error {
	return l.delete(ctx, obj, true)
}

// known returns nil for what only fakes leave empty.
func known[S ~string](value S) *S {
	if value == "" {
		return nil
	}
	return new(value)
}

func (l *Live[T]) delete(ctx context.Context, obj T, unchanged bool) error {
	_, err := l.write(ctx, kerr.OpDelete, obj, func(key types.NamespacedName) (T, error) {
		only := metav1.Preconditions{UID: known(obj.GetUID())}
		if unchanged {
			only.ResourceVersion = known(obj.GetResourceVersion())
		}
		return *new(T), l.backend.delete(ctx, key, metav1.DeleteOptions{Preconditions: &only})
	})
	switch {
	case apierrors.IsNotFound(err) && kerr.ClassOf(err) == kerr.ClassNotFound:
		return nil
	case apierrors.IsConflict(err):
		// A precondition did not hold, or the kind refuses for a reason of its own.
		live, getErr := l.Get(ctx, Key(obj))
		if apierrors.IsNotFound(getErr) || getErr == nil && live.GetUID() != obj.GetUID() {
			return nil
		}
	}
	return err
}
