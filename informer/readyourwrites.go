package informer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// Inside a reconcile, a read must not return a state older than what that reconcile,
// or an earlier one of the same key, wrote. The ctx carries these writes. What the
// cache does not show yet is answered with what the server answered to the write,
// or, if that is not known or no longer fresh, with a live read. If that fails the
// whole attempt does: its ctx is cancelled, so that nothing is decided on old news, also by
// code that ignores the error.

// selects reports whether the cache can hold obj. Of field selectors it knows the two fields that
// every kind has; for others it assumes so.
func (i *Informer[T]) selects(obj metav1.Object) bool {
	if s := i.opts.LabelSelector; s != nil && !s.Matches(labels.Set(obj.GetLabels())) {
		return false
	}
	if i.opts.FieldSelector == nil {
		return true
	}
	known := fields.Set{"metadata.name": obj.GetName(), "metadata.namespace": obj.GetNamespace()}
	for _, r := range i.opts.FieldSelector.Requirements() {
		if value, ok := known[r.Field]; ok && (value == r.Value) == (r.Operator == "!=") {
			return false
		}
	}
	return true
}

// get returns a copy of the object, as of the last own write or later.
func (i *Informer[T]) get(ctx context.Context, a *journal.Journal, key types.NamespacedName) (T, error) {
	if w, ok := a.Last(journal.Ref{Kind: i.Kind().GroupKind(), Key: key}); ok && !i.inside().Shows(w) {
		return i.since(ctx, a, w)
	}
	obj, ok := i.View(key)
	if ok {
		return clone(obj), nil
	}
	feeds, err := i.knowing(key.Namespace)
	switch {
	case err != nil:
		return obj, err
	case key.Namespace == metav1.NamespaceNone && feeds[0].namespace != metav1.NamespaceAll:
		return obj, fmt.Errorf("%w: objects without a namespace are not watched", ErrNotKnown)
	}
	if obj, ok = feeds[0].view(key); ok { // since we looked
		return clone(obj), nil
	}
	return obj, i.notFound(key)
}

func (i *Informer[T]) notFound(key types.NamespacedName) error {
	resource := schema.GroupResource{Group: i.Kind().Group, Resource: strings.ToLower(i.Kind().Kind)}
	if r, ok := i.repo.(repository.Resourced); ok {
		resource = r.Resource().GroupResource()
	}
	return apierrors.NewNotFound(resource, key.Name)
}

// since returns the object as of the write or later.
func (i *Informer[T]) since(ctx context.Context, a *journal.Journal, w journal.Write) (T, error) {
	obj, ok := w.Object.(T)
	switch {
	case w.Outcome == journal.Gone && time.Since(w.At) < a.Fresh:
		return *new(T), i.notFound(w.Key)
	case !ok || w.Outcome != journal.Stored || time.Since(w.At) >= a.Fresh:
		var err error
		obj, err = i.repo.Get(ctx, w.Key)
		if err != nil && kerr.ClassOf(err) != kerr.ClassNotFound {
			err = fmt.Errorf("read what the cache does not show yet: %w", err)
			a.Fail(err)
		}
		if err != nil {
			return *new(T), err
		}
	}
	if !i.selects(obj) {
		return *new(T), i.notFound(w.Key)
	}
	return i.asCached(obj), nil
}

// asCached returns a copy that looks like one from the cache.
func (i *Informer[T]) asCached(obj T) T {
	if seen, err := i.transform(true)(clone(obj)); err == nil {
		if obj, ok := seen.(T); ok {
			return obj
		}
	}
	return obj
}

// behind returns the own writes that the cache does not show.
func (i *Informer[T]) behind(a *journal.Journal) []journal.Write {
	return slices.DeleteFunc(a.LastOf(i.Kind().GroupKind()), i.inside().Shows)
}

// corrected replaces in a list what own writes made old, of those that the cache did
// not show before it was asked for the list. By now it may. matches tells what belongs
// into the list.
func (i *Informer[T]) corrected(ctx context.Context, writes []journal.Write, objs []T, matches func(T) bool) ([]T, error) {
	for _, w := range writes {
		at := slices.IndexFunc(objs, func(obj T) bool { return repository.Key(obj) == w.Key })
		if at >= 0 && w.ShownBy(objs[at], "") {
			continue
		}
		if at >= 0 {
			objs = slices.Delete(objs, at, at+1)
		}
		obj, err := i.get(ctx, journal.From(ctx), w.Key)
		switch {
		case err == nil && matches(obj):
			objs = append(objs, obj)
		case err != nil && kerr.ClassOf(err) != kerr.ClassNotFound:
			return nil, err
		}
	}
	return objs, nil
}
