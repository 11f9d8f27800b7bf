package repository

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// Ensure creates the object that obj names, or updates it, so that it is as change makes it, and
// returns it: it is created if it does not exist, updated if change changes something, and
// otherwise left alone. It corresponds to CreateOrUpdate of controller-runtime.
//
// # Expected flow
//
//	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name}}
//	cm, err := configMaps.Ensure(ctx, cm, func(cm *corev1.ConfigMap) error {
//		cm.Data = map[string]string{"size": "small"}
//		return repository.SetController(d, kind, cm)
//	})
//
// change gets a copy of the existing object, or of obj if there is none, and sets the fields that
// it owns. A nil change changes nothing.
//
// # Guarantees
//
//   - Inside a reconcile, if the controller has a cache of the kind (Owns, Watches or
//     References), it starts from the cached object, or from what was written since, and sends
//     nothing if change changes nothing. With References this counts as a read: a later change of
//     the object causes another attempt. Everywhere else it starts from a live read.
//   - An update is a merge patch of what change changed, pinned to the resourceVersion of
//     the object that change was given.
//   - If that object was not the latest one (the update is a Conflict or finds no object, the
//     create finds one), the object is read from the server, and change is called once more, with
//     it. If the second write fails in the same way, that is the error.
//   - obj is not changed, and the caller may change the result.
//
// # Assumptions
//
// change may be called twice; the result of the first call is dropped then. So it has no side
// effects, but for variables that each call sets anew. It does not change fields that others own,
// and sets fields rather than to replace lists and structs to which the server adds defaults:
//
//	pod := &d.Spec.Template.Spec
//	if len(pod.Containers) == 0 {
//		pod.Containers = []corev1.Container{{Name: "main"}}
//	}
//	pod.Containers[0].Image = image
//
// A new list without the defaults differs from what the server has, so that each attempt writes;
// controller.Attempt.Writes and the metric kuberator_writes_total show that.
// [Live.ApplyConfiguration] has no such trap.
//
// # Caveats
//
// An existing object of that name is changed, whoever created it. Where that matters, return an
// error from change; [SetController] returns one for an object that has another controller.
//
// If the cache has a transform that removes fields, change gets an object without them. For an
// object that the selectors or the namespaces of the cache exclude, a create is sent first, and
// then the object is read from the server. A status that is a subresource is not written: use
// package status.
//
// # Errors
//
// The error of change, in a [*kerr.Error] with the step OpEnsure; nothing is sent then. An error
// of class Terminal if change changed the name or the namespace. Those of Get, Create and Update.
func (l *Live[T]) Ensure(ctx context.Context, obj T, change func(obj T) error) (T, error) {
	if err := l.refuse(kerr.OpEnsure, object(obj)); err != nil {
		return *new(T), err
	}
	have, err := l.newest(ctx, obj)
	if err != nil {
		return *new(T), err
	}
	got, old, err := l.ensure(ctx, obj, have, change)
	if !old {
		return got, err
	}
	if have, err = l.now(ctx, obj); err != nil {
		return *new(T), err
	}
	got, _, err = l.ensure(ctx, obj, have, change)
	return got, err
}

// newest returns the object to start from, which must not be changed, or nil if there is none.
func (l *Live[T]) newest(ctx context.Context, obj T) (T, error) {
	known, ok := journal.From(ctx).Newest(l.ref(Key(obj)))
	if !ok {
		return l.now(ctx, obj)
	}
	if known == nil {
		return *new(T), nil
	}
	if have, ok := known.(T); ok {
		return have, nil
	}
	return l.now(ctx, obj) // another Go type of the kind
}

// now returns the live object, or nil if there is none. Caches must not fall behind it.
func (l *Live[T]) now(ctx context.Context, obj T) (T, error) {
	live, err := l.Get(ctx, Key(obj))
	switch {
	case err == nil:
		journal.From(ctx).Learned(journal.Found(l.ref(Key(obj)), live))
	case kerr.ClassOf(err) == kerr.ClassNotFound:
		return *new(T), nil
	}
	return live, err
}

// ensure decides on have, and reports whether that turned out to be old.
func (l *Live[T]) ensure(ctx context.Context, obj, have T, change func(T) error) (got T, old bool, err error) {
	exists := have != *new(T)
	if !exists {
		have = obj
	}
	want := have.DeepCopyObject().(T) //nolint:forcetypeassert // a copy
	if change != nil {
		err = change(want)
	}
	if err == nil && Key(want) != Key(obj) {
		err = kerr.Terminal(fmt.Errorf("the function changed the name of the object, to %s", Key(want)))
	}
	if err != nil {
		return *new(T), false, l.wrap(kerr.OpEnsure, Key(obj), have.GetUID(), err)
	}
	if !exists {
		want.SetResourceVersion("") // of an object that was read and is gone
		want.SetUID("")
		got, err = l.create(ctx, want, l.writing)
		return got, apierrors.IsAlreadyExists(err), err
	}
	if got, err = l.Update(ctx, have, want); got == have {
		got = want // nothing was sent, and have is not the caller's
	}
	class := kerr.ClassOf(err)
	return got, err != nil && (class == kerr.ClassConflict || class == kerr.ClassNotFound), err
}
