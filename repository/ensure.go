package repository

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// Ensure makes the object that obj names be as change wants it, and returns it: it is created
// if it does not exist, updated if change changes something, and otherwise left alone. It is
// what controller-runtime has as CreateOrUpdate.
//
// # Expected flow
//
//	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name}}
//	cm, err := configMaps.Ensure(ctx, cm, func(cm *corev1.ConfigMap) error {
//		cm.Data = map[string]string{"size": "small"}
//		return repository.SetController(d, kind, cm)
//	})
//
// change gets a copy of the object, or of obj if there is none, and sets the fields that are
// its own. nil changes nothing.
//
// # Guarantees
//
//   - Inside a reconcile, if the controller has a cache of the kind (Owns, Watches or
//     References), it starts from the cached object, or from what was written since, and
//     sends nothing if change changes nothing. With References this is a read: a change of the object wakes
//     the one that is reconciled. Everywhere else it starts from a live read.
//   - An update is a merge patch of what change changed, pinned to the resourceVersion of
//     the object that change was given.
//   - If that object turns out to be old (an update is a Conflict or finds nothing, a create
//     finds one), the live one is read, and change is called once more, on it. A second time
//     is an error: the backoff is the better place to wait.
//   - obj is not changed, and what is returned is the caller's.
//
// # Assumptions
//
// change does the same each time, and nothing else: it may be called twice, and of what it did
// to the object of the first call nothing is kept. It leaves fields of others alone.
//
// # Caveats
//
// An object of that name that somebody else made is changed, too. Where that matters, return an
// error from change; [SetController] does for what has another controller.
//
// A cache whose transform takes fields away shows change an object without them. What a selector
// or the namespaces keep out of the cache is looked for by a create, and then read live. A status
// that is a subresource is not written: use package status.
//
// # Errors
//
// An error of change, as it is, with the step OpEnsure, and nothing is sent; a name or a
// namespace that change has changed, which is of class Terminal; and those of Get, Create
// and Update.
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

// newest returns the object to start from, which nobody may change, or nil if there is none.
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
	have, want := have.DeepCopyObject().(T), have.DeepCopyObject().(T) //nolint:forcetypeassert // copies
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
	got, err = l.Update(ctx, have, want)
	class := kerr.ClassOf(err)
	return got, err != nil && (class == kerr.ClassConflict || class == kerr.ClassNotFound), err
}
