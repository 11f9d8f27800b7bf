package controller

import (
	"context"
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// caches are the informers that a controller runs, by kind.
type caches map[schema.GroupKind][]cached

// cached is an informer of any type.
type cached interface {
	journal.Cache
	view(key types.NamespacedName) journal.Object
	live(ctx context.Context, key types.NamespacedName) (journal.Object, error)
	source() any // the informer itself
}

// add takes an informer in, once.
func (c caches) add(kind schema.GroupKind, in cached) {
	if !slices.Contains(c[kind], in) {
		c[kind] = append(c[kind], in)
	}
}

// Show implements unseen.Caches: it reports whether no cache of the kind is behind the write.
func (c caches) Show(w journal.Write) bool {
	for _, in := range c[w.Kind] {
		if !in.Shows(w) {
			return false
		}
	}
	return true
}

// Skipped implements unseen.Caches: it reports whether a cache never showed what was written, and never will.
func (c caches) Skipped(w journal.Write) bool {
	return slices.ContainsFunc(c[w.Kind], func(in cached) bool { return in.Skipped(w) })
}

// Overtaken implements unseen.Caches: it reports whether a cache went over what was written.
func (c caches) Overtaken(w journal.Write) bool {
	return slices.ContainsFunc(c[w.Kind], func(in cached) bool { return in.Overtaken(w) })
}

// view returns the object from the first cache that has it, or nil.
func (c caches) view(ref journal.Ref) journal.Object {
	for _, in := range c[ref.Kind] {
		if obj := in.view(ref.Key); obj != nil {
			return obj
		}
	}
	return nil
}

// live reads the object from the server, by the first informer that may.
func (c caches) live(ctx context.Context, ref journal.Ref) (journal.Object, error) {
	var errs []error
	for _, in := range c[ref.Kind] {
		obj, err := in.live(ctx, ref.Key)
		if err == nil || kerr.ClassOf(err) == kerr.ClassNotFound {
			return obj, err
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// typed makes an informer a cached. Two of one informer are equal.
type typed[U repository.Object] struct {
	journal.Cache
	in *informer.Informer[U]
}

func typedOf[U repository.Object](in *informer.Informer[U]) typed[U] {
	return typed[U]{journal.CacheOf(in), in}
}

func (t typed[U]) source() any { return t.in }

func (t typed[U]) view(key types.NamespacedName) journal.Object {
	if obj, ok := t.in.View(key); ok {
		return obj
	}
	return nil
}

func (t typed[U]) live(ctx context.Context, key types.NamespacedName) (journal.Object, error) {
	return t.in.Repository().Get(ctx, key)
}
