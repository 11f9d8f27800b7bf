package informer

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// ErrNotKnown is in the chain of the error of a read that the cache cannot answer: the informer
// does not run, has not read all objects yet, or does not watch the namespace. The object may
// exist.
var ErrNotKnown = errors.New("the cache does not know")

// Get returns a deep copy of the object, which the caller may change.
//
// With the ctx of a reconcile the result is never older than what that reconcile, or an earlier
// one of the same object, wrote: where the cache is behind, Get answers from the write or reads
// the API server. With controller.References, a later change of the object reconciles that object
// again.
//
// # Errors
//
// A [*kerr.Error] with the step OpGet. apierrors.IsNotFound holds, and the class is NotFound, if
// no object of that name exists, or if the informer's selectors exclude it. [ErrNotKnown] holds
// if the cache cannot know. If a live read fails, that is the error; ctx is cancelled too, and
// the reconcile is retried.
func (i *Informer[T]) Get(ctx context.Context, key types.NamespacedName) (T, error) {
	a := journal.From(ctx)
	a.Read(i, key)
	obj, err := i.get(ctx, a, key)
	if err != nil {
		return *new(T), kerr.New(kerr.OpGet, i.Kind(), key, "", err)
	}
	return obj, nil
}

// List returns deep copies of the objects that match all opts, in no particular order; without
// opts, all objects. With the ctx of a reconcile it shows that reconcile's writes as
// [Informer.Get] does, and with controller.References it reconciles again when an object enters,
// leaves or changes inside the result.
//
// # Errors
//
// A [*kerr.Error] with the step OpList. [ErrNotKnown] holds as for Get; a live read that fails
// has the same effect as there. An index that was not added with AddIndex is an error of class
// Terminal.
func (i *Informer[T]) List(ctx context.Context, opts ...ListOption) ([]T, error) {
	o, a := listOptionsOf(opts), journal.From(ctx)
	failed := func(err error) ([]T, error) {
		return nil, kerr.New(kerr.OpList, i.Kind(), types.NamespacedName{Namespace: o.namespace}, "", err)
	}
	for _, index := range o.indexes {
		if i.index(index.name) == nil {
			return failed(kerr.Terminal(fmt.Errorf("there is no index %q, see AddIndex", index.name)))
		}
	}
	if a != nil {
		a.Listed(i, i.selection(o))
	}
	feeds, err := i.knowing(o.namespace)
	if err != nil {
		return failed(err)
	}
	writes := i.behind(a)
	objs, err := i.corrected(ctx, writes, clones(i.listOf(feeds, o)), func(obj T) bool { return i.matches(o, obj) })
	if err != nil {
		return failed(err)
	}
	return objs, nil
}

// ByIndex is [Informer.List] with [WithIndex]: it returns deep copies of the objects that have
// the value in the index of that name.
func (i *Informer[T]) ByIndex(ctx context.Context, name, value string) ([]T, error) {
	return i.List(ctx, WithIndex(name, value))
}

// knowing returns the feeds that have all objects of a namespace, or, for the empty one, of all
// that are watched. What is not in them does not exist: they must be asked, and not those that
// there are a moment later.
func (i *Informer[T]) knowing(namespace string) ([]*feed[T], error) {
	r := i.now()
	if r == nil {
		return nil, fmt.Errorf("%w: the informer does not run", ErrNotKnown)
	}
	feeds := r.feeds.Load().of(namespace)
	if len(feeds) == 0 {
		return nil, fmt.Errorf("%w: the namespace %q is not watched", ErrNotKnown, namespace)
	}
	for _, f := range feeds {
		if !f.full() {
			return nil, fmt.Errorf("%w: not all objects have been read yet", ErrNotKnown)
		}
	}
	return feeds, nil
}

// index returns the function of an index, or nil.
func (i *Informer[T]) index(name string) cache.IndexFunc {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.indexes[name]
}

// indexed returns the values of obj in the index of that name.
func (i *Informer[T]) indexed(name string, obj T) []string {
	values := i.index(name)
	if values == nil {
		return nil
	}
	found, _ := values(obj) // our functions return no errors, see AddIndex
	return found
}

// Running reports whether the informer runs, for any user.
func (i *Informer[T]) Running() bool { return i.now() != nil }

// View returns the cached object itself, which is shared and must not be changed, and whether the
// cache has it. It is for mappings and predicates, which see many objects and belong to no
// reconcile: it does not consider own writes, and does not distinguish an object that does not
// exist from one that the cache does not know.
func (i *Informer[T]) View(key types.NamespacedName) (T, bool) {
	if f := i.feedOf(key); f != nil {
		return f.view(key)
	}
	return *new(T), false
}

// feedOf returns the feed that would hold the object, or nil.
func (i *Informer[T]) feedOf(key types.NamespacedName) *feed[T] {
	if r := i.now(); r != nil {
		return r.feeds.Load().one(key.Namespace)
	}
	return nil
}

// view returns the cached object.
func (f *feed[T]) view(key types.NamespacedName) (T, bool) {
	name := key.Name
	if key.Namespace != "" {
		name = key.Namespace + "/" + key.Name
	}
	found, ok, err := f.informer.GetStore().GetByKey(name)
	if !ok || err != nil {
		return *new(T), false
	}
	obj, ok := found.(T)
	return obj, ok
}

// ViewList returns the cached objects themselves, which must not be changed, see [Informer.View]. It
// returns none if the informer does not run or an index does not exist.
func (i *Informer[T]) ViewList(opts ...ListOption) []T {
	o := listOptionsOf(opts)
	if r := i.now(); r != nil {
		return i.listOf(r.feeds.Load().of(o.namespace), o)
	}
	return nil
}

// ViewByIndex is [Informer.ViewList] with [WithIndex].
func (i *Informer[T]) ViewByIndex(name, value string) []T { return i.ViewList(WithIndex(name, value)) }

func (i *Informer[T]) listOf(feeds []*feed[T], o listOptions) []T {
	var objs []T
	rest := o.beyondStore()
	for _, f := range feeds {
		for _, found := range f.found(o) {
			if obj, ok := found.(T); ok && i.matches(rest, obj) {
				objs = append(objs, obj)
			}
		}
	}
	return objs
}

// found returns the objects that the store finds: by the first index that is asked for, by the
// namespace, or all.
func (f *feed[T]) found(o listOptions) []any {
	index := indexValue{byNamespace, o.namespace}
	switch {
	case len(o.indexes) > 0:
		index = o.indexes[0]
	case o.namespace == metav1.NamespaceAll || f.namespace != metav1.NamespaceAll:
		return f.informer.GetStore().List()
	}
	found, err := f.informer.GetIndexer().ByIndex(index.name, index.value)
	if err != nil {
		return nil // there is no such index
	}
	return found
}

func clone[T repository.Object](obj T) T { return obj.DeepCopyObject().(T) }

func clones[T repository.Object](objs []T) []T {
	for n, obj := range objs {
		objs[n] = clone(obj)
	}
	return objs
}
