package informer

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/repository"
)

// Get, List and ByIndex return deep copies, which the caller may change, and take the
// ctx of the reconcile that reads: they show what it and earlier ones of the same key
// wrote (own.go), and can be what it depends on (controller.References). View, ViewList and ViewByIndex return the cached
// objects themselves, shared with everybody else, which must not be changed; they are
// for mappings and predicates, which see many objects and have no reconcile.
//
// Before the informer runs and has synced they all find nothing.

// Get returns the cached object.
func (i *Informer[T]) Get(ctx context.Context, key types.NamespacedName) (T, bool) {
	a := attempt.From(ctx)
	a.Read(i, key)
	return i.get(ctx, a, key)
}

// List returns the cached objects, in no particular order.
func (i *Informer[T]) List(ctx context.Context, opts ...ListOption) []T {
	o, a := listOptionsOf(opts), attempt.From(ctx)
	matches := func(obj T) bool { return o.matches(obj) }
	if a != nil {
		a.Listed(i, attempt.Selection{ID: o.id(), Matches: matches})
	}
	writes := i.behind(a)
	return i.corrected(ctx, writes, clones(i.list(o)), matches)
}

// ByIndex returns the cached objects that have the value in the index of that name
// (see [Informer.AddIndex]), in no particular order. An unknown index has none.
func (i *Informer[T]) ByIndex(ctx context.Context, name, value string) []T {
	a := attempt.From(ctx)
	a.Listed(i, attempt.Selection{Index: name, ID: value})
	writes := i.behind(a)
	return i.corrected(ctx, writes, clones(i.ViewByIndex(name, value)), func(obj T) bool {
		return slices.Contains(i.Indexed(name, obj), value)
	})
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

// View is Get without a copy: the object must not be changed.
func (i *Informer[T]) View(key types.NamespacedName) (T, bool) {
	var none T
	r := i.now()
	if r == nil {
		return none, false
	}
	informer := r.in(key.Namespace)
	if informer == nil {
		return none, false
	}
	name := key.Name
	if key.Namespace != "" {
		name = key.Namespace + "/" + key.Name
	}
	found, ok, err := informer.GetStore().GetByKey(name)
	if !ok || err != nil {
		return none, false
	}
	obj, ok := found.(T)
	return obj, ok
}

// ViewList is List without copies: the objects must not be changed.
func (i *Informer[T]) ViewList(opts ...ListOption) []T { return i.list(listOptionsOf(opts)) }

func (i *Informer[T]) list(o listOptions) []T {
	r := i.now()
	if r == nil {
		return nil
	}
	var objs []T
	for _, informer := range r.all() {
		for _, found := range informer.GetStore().List() {
			if obj, ok := found.(T); ok && o.matches(obj) {
				objs = append(objs, obj)
			}
		}
	}
	return objs
}

// ViewByIndex is ByIndex without copies: the objects must not be changed.
func (i *Informer[T]) ViewByIndex(name, value string) []T {
	r := i.now()
	if r == nil {
		return nil
	}
	var objs []T
	for _, informer := range r.all() {
		found, err := informer.GetTypedIndexer().ByTypedIndex(name, value)
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

// id stands for what the options select, and for nothing else: the text of a selector
// does not, as values may hold any characters, and as everything and nothing are both
// the empty text.
func (o listOptions) id() string {
	id := "list in " + strconv.Quote(o.namespace)
	if o.selector == nil {
		return id
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
