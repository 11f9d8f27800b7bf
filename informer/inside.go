package informer

import (
	"slices"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/repository"
)

func init() { journal.CacheOf = func(in any) journal.Cache { return in.(insider).inside() } }

// insider is every *Informer.
type insider interface{ inside() journal.Cache }

func (i *Informer[T]) inside() journal.Cache { return inside[T]{i} }

// inside is what package controller sees of an informer.
type inside[T repository.Object] struct{ *Informer[T] }

// Shows implements [journal.Cache].
func (i inside[T]) Shows(w journal.Write) bool {
	f := i.feedOf(w.Key)
	if f == nil {
		return true
	}
	cached, ok := f.view(w.Key)
	if !ok {
		return w.ShownBy(nil, f.at()) || w.Outcome == journal.Stored && w.Object != nil && !i.shall(w)
	}
	return w.ShownBy(cached, "")
}

// shall reports whether the cache shall have the object that was written, or one of its states
// before, which an event is on the way for.
func (i inside[T]) shall(w journal.Write) bool {
	return i.selects(w.Object) || slices.ContainsFunc(w.Was, func(obj journal.Object) bool { return i.selects(obj) })
}

// storing returns the feed that shall have the object as it was written, or nil if there is none.
func (i inside[T]) storing(w journal.Write) *feed[T] {
	if w.Outcome != journal.Stored || w.Object == nil || !i.selects(w.Object) {
		return nil
	}
	return i.feedOf(w.Key)
}

// Skipped implements [journal.Cache].
func (i inside[T]) Skipped(w journal.Write) bool {
	f := i.storing(w)
	if f == nil {
		return false
	}
	_, ok := f.view(w.Key)
	return !ok && w.ShownBy(nil, f.at())
}

// Overtaken implements [journal.Cache].
func (i inside[T]) Overtaken(w journal.Write) bool {
	f := i.storing(w)
	if f == nil {
		return false
	}
	cached, ok := f.view(w.Key)
	return ok && journal.Older(w.ResourceVersion, cached.GetResourceVersion()) && f.jumps.over(w.ResourceVersion, f.at())
}

// Indexed implements [journal.Cache].
func (i inside[T]) Indexed(name string, obj journal.Object) []string {
	of, ok := obj.(T)
	if !ok {
		return nil
	}
	return i.indexed(name, of)
}
