package informer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// ErrNotKnown is in the chain of the error of a read that the cache has no answer to: the
// informer does not run, has not read its objects yet, or does not watch the namespace. The
// object may exist.
var ErrNotKnown = errors.New("the cache does not know")

// Get returns a deep copy of the object, which the caller may change.
//
// With the ctx of a reconcile the result is never older than what that reconcile, or an
// earlier one of the same object, wrote: where the cache is behind, Get answers from the
// write or reads the API server. controller.References records the read.
//
// # Errors
//
// A [*kerr.Error] with the step OpGet. apierrors.IsNotFound holds, and the class is NotFound, if
// no object of that name exists that the informer selects. [ErrNotKnown] holds if that cannot be told. If a live
// read fails, that is the error; ctx is cancelled too, and the reconcile is retried.
func (i *Informer[T]) Get(ctx context.Context, key types.NamespacedName) (T, error) {
	a := attempt.From(ctx)
	a.Read(i, key)
	obj, err := i.get(ctx, a, key)
	if err != nil {
		return *new(T), kerr.New(kerr.OpGet, i.Kind(), key, "", err)
	}
	return obj, nil
}

// List returns deep copies of the objects, in no particular order, of which all holds that
// [Informer.Get] says, errors included.
func (i *Informer[T]) List(ctx context.Context, opts ...ListOption) ([]T, error) {
	o, a := listOptionsOf(opts), attempt.From(ctx)
	matches := func(obj T) bool { return o.matches(obj) }
	if a != nil {
		a.Listed(i, attempt.Selection{ID: o.id(), Matches: matches})
	}
	return i.listed(ctx, a, o.namespace, func(feeds []*feed[T]) []T { return listOf(feeds, o) }, matches)
}

// ByIndex returns deep copies of the objects that have the value in the index of that name
// (see [Informer.AddIndex]), in no particular order, of which all holds that [Informer.Get]
// says, errors included. An index that was not added is an error.
func (i *Informer[T]) ByIndex(ctx context.Context, name, value string) ([]T, error) {
	if !i.hasIndex(name) {
		return nil, kerr.New(kerr.OpList, i.Kind(), types.NamespacedName{}, "", kerr.Terminal(fmt.Errorf("there is no index %q, see AddIndex", name)))
	}
	a := attempt.From(ctx)
	a.Listed(i, attempt.Selection{Index: name, ID: value})
	return i.listed(ctx, a, metav1.NamespaceAll, func(feeds []*feed[T]) []T { return indexed(feeds, name, value) }, func(obj T) bool {
		return slices.Contains(i.Indexed(name, obj), value)
	})
}

// listed returns copies of what list finds in a namespace, or in all that are watched.
func (i *Informer[T]) listed(ctx context.Context, a *attempt.Attempt, namespace string, list func([]*feed[T]) []T, matches func(T) bool) ([]T, error) {
	failed := func(err error) ([]T, error) {
		return nil, kerr.New(kerr.OpList, i.Kind(), types.NamespacedName{Namespace: namespace}, "", err)
	}
	feeds, err := i.knowing(namespace)
	if err != nil {
		return failed(err)
	}
	writes := i.behind(a)
	objs, err := i.corrected(ctx, writes, clones(list(feeds)), matches)
	if err != nil {
		return failed(err)
	}
	return objs, nil
}

// knowing returns the feeds that have all objects of a namespace, or, for the empty one, of
// all that are watched. What is not in them does not exist: they must be asked, and not those
// that there are a moment later.
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

func (i *Informer[T]) hasIndex(name string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.indexes[name] != nil
}

// Indexed returns the values of obj in the index of that name.
func (i *Informer[T]) Indexed(name string, obj T) []string {
	i.mu.Lock()
	values := i.indexes[name]
	i.mu.Unlock()
	if values == nil {
		return nil
	}
	found, _ := values(obj) // our functions return no errors, see AddIndex
	return found
}

// Running tells whether somebody runs the informer.
func (i *Informer[T]) Running() bool { return i.now() != nil }

// View returns the cached object itself, which is shared with everybody else and must not be
// changed. It is for mappings and predicates, which see many objects and belong to no
// reconcile: it knows nothing of own writes, and does not tell an object that does not exist from
// one that is not known.
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

// ViewList returns the cached objects themselves, see [Informer.View].
func (i *Informer[T]) ViewList(opts ...ListOption) []T {
	o := listOptionsOf(opts)
	if r := i.now(); r != nil {
		return listOf(r.feeds.Load().of(o.namespace), o)
	}
	return nil
}

func listOf[T repository.Object](feeds []*feed[T], o listOptions) []T {
	var objs []T
	for _, f := range feeds {
		for _, obj := range f.in(o.namespace) {
			if o.matches(obj) {
				objs = append(objs, obj)
			}
		}
	}
	return objs
}

// in returns the objects of a namespace, or all.
func (f *feed[T]) in(namespace string) []T {
	if namespace != metav1.NamespaceAll && f.namespace == metav1.NamespaceAll {
		found, err := f.informer.GetTypedIndexer().ByTypedIndex(byNamespace, namespace)
		if err == nil {
			return found
		}
	}
	all := f.informer.GetStore().List()
	objs := make([]T, 0, len(all))
	for _, found := range all {
		if obj, ok := found.(T); ok {
			objs = append(objs, obj)
		}
	}
	return objs
}

// ViewByIndex returns the cached objects themselves, see [Informer.View].
func (i *Informer[T]) ViewByIndex(name, value string) []T {
	if r := i.now(); r != nil {
		return indexed(r.feeds.Load().of(metav1.NamespaceAll), name, value)
	}
	return nil
}

func indexed[T repository.Object](feeds []*feed[T], name, value string) []T {
	var objs []T
	for _, f := range feeds {
		found, err := f.informer.GetTypedIndexer().ByTypedIndex(name, value)
		if err != nil {
			return nil
		}
		objs = append(objs, found...)
	}
	return objs
}

// ListOption narrows a List.
type ListOption func(*listOptions)

type listOptions struct {
	namespace string
	selector  labels.Selector
}

// In narrows a List to one namespace.
func In(namespace string) ListOption { return func(o *listOptions) { o.namespace = namespace } }

// Matching narrows a List to objects whose labels match.
func Matching(selector labels.Selector) ListOption {
	return func(o *listOptions) { o.selector = selector }
}

func listOptionsOf(opts []ListOption) (o listOptions) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// ownSelectors numbers the lists by selectors that users wrote: nothing tells whether two of
// them select the same.
var ownSelectors atomic.Uint64

// id stands for what the options select, and for nothing else: the text of a selector
// does not, as values may hold any characters, and as everything and nothing are both
// the empty text.
func (o listOptions) id() string {
	id := "list in " + strconv.Quote(o.namespace)
	if o.selector == nil {
		return id
	}
	kind := reflect.TypeOf(o.selector)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.PkgPath() != reflect.TypeFor[labels.Requirement]().PkgPath() {
		return id + " by a selector of the user's own, " + strconv.FormatUint(ownSelectors.Add(1), 10)
	}
	requirements, selectable := o.selector.Requirements()
	id += fmt.Sprintf(" of %T %t", o.selector, selectable)
	for _, r := range requirements {
		id += fmt.Sprintf(" %q %q %q", r.Key(), r.Operator(), r.ValuesUnsorted())
	}
	return id
}

func (o listOptions) matches(obj interface {
	GetNamespace() string
	GetLabels() map[string]string
}) bool {
	return (o.namespace == "" || obj.GetNamespace() == o.namespace) &&
		(o.selector == nil || o.selector.Matches(labels.Set(obj.GetLabels())))
}

func clone[T repository.Object](obj T) T { return obj.DeepCopyObject().(T) }

func clones[T repository.Object](objs []T) []T {
	for n, obj := range objs {
		objs[n] = clone(obj)
	}
	return objs
}
