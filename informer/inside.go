package informer

import (
	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/repository"
)

func init() { attempt.CacheOf = func(in any) attempt.Cache { return in.(insider).inside() } }

// insider is every *Informer.
type insider interface{ inside() attempt.Cache }

func (i *Informer[T]) inside() attempt.Cache { return inside[T]{i} }

// inside is what package controller sees of an informer.
type inside[T repository.Object] struct{ *Informer[T] }

// Shows implements [attempt.Cache].
func (i inside[T]) Shows(w attempt.Write) bool {
	f := i.feedOf(w.Key)
	if f == nil {
		return true
	}
	cached, ok := f.view(w.Key)
	if !ok {
		return w.ShownBy(nil, f.informer.GetStore().LastStoreSyncResourceVersion()) ||
			w.Outcome == attempt.Stored && w.Object != nil && !i.selects(w.Object)
	}
	return w.ShownBy(cached, "")
}

// Skipped implements [attempt.Cache].
func (i inside[T]) Skipped(w attempt.Write) bool {
	f := i.feedOf(w.Key)
	if f == nil || w.Outcome != attempt.Stored || w.Object == nil || !i.selects(w.Object) {
		return false
	}
	_, ok := f.view(w.Key)
	return !ok && w.ShownBy(nil, f.informer.GetStore().LastStoreSyncResourceVersion())
}

// Indexed implements [attempt.Cache].
func (i inside[T]) Indexed(name string, obj attempt.Object) []string {
	of, ok := obj.(T)
	if !ok {
		return nil
	}
	return i.indexed(name, of)
}
