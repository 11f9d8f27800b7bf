package controller

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/dependents"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// References makes what an attempt reads from an informer a reason to reconcile it
// again: an object that it got, also one that was not there, and every object that
// belongs, or belonged, into a list that it read. What counts are the reads of the
// last attempt, by Get, List and ByIndex with its ctx. There is no mapping to write,
// and none to forget. Run runs the informer too.
//
// If anyOf has predicates, a change counts only if one of them holds; objects that
// come and go always count, and so does a change for which a predicate panics.
//
// A change costs no more if there are many lists, as long as they differ in their namespace, in
// a label that has one value, or in a value of an index: only those are asked that it may
// concern. Selectors without such a label are all asked, and so are those of a user's own type.
//
// The idea is that of krt, the collections of Istio, where what a function fetched
// is what makes it run again.
//
// # Errors
//
// [Controller.Run] returns an error if the informer or a predicate is nil, if the informer was
// given to References before, or if References was called after Run or ReleaseAll: then it
// has no effect and is logged. The same informer may be given to other functions too.
func References[U, T repository.Object, C Context[T]](c *Controller[T, C], in *informer.Informer[U], anyOf ...informer.Predicate[U]) {
	listen(c, "References", in, mapping[U]{ours: true, reads: true, weight: queue.Early, filter: anyOf, keys: func(h hub, before, after U) []types.NamespacedName {
		return readers(h, in, before, after)
	}})
}

// readers returns the keys whose last attempt read before or after.
func readers[U repository.Object](h hub, in *informer.Informer[U], before, after U) []types.NamespacedName {
	d, cache, found := h.dependencies(in), journal.CacheOf(in), dependents.Keys{}
	for _, obj := range []U{before, after} {
		if obj == *new(U) {
			continue
		}
		for _, l := range d.Concerned(found, obj, func(index string) []string { return cache.Indexed(index, obj) }) {
			if matches(h, in.Kind(), l.Matches.(func(U) bool), obj) {
				d.Readers(found, l)
			}
		}
	}
	return found.UnsortedList()
}

// matches asks the selector of a list, which may be one that a user wrote. If it panics, the
// object counts as one that matches: nothing is lost for who reads the list, or another one.
func matches[U repository.Object](h hub, kind schema.GroupVersionKind, match func(U) bool, obj U) (yes bool) {
	defer func() {
		if value := recover(); value != nil {
			h.trouble(kerr.New(kerr.OpMap, kind, repository.Key(obj), obj.GetUID(), kerr.Recovered(value)))
			yes = true
		}
	}()
	return match(obj)
}
