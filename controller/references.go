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

// References reconciles an object again when something changes that its last attempt read from
// in, with Get, List or ByIndex and the attempt's ctx: an object that Get was called for, whether
// or not it existed, or any object that enters, leaves or changes inside the result of a List or
// ByIndex. No mapping has to be written. Call it before Run. Run runs the informer too.
//
// An object that is written without being read, by Create, Apply or ApplyConfiguration of a
// repository, is not among them; Ensure counts as a Get. So take [Owns] for children, and both if Apply also
// reads objects of the kind that are not its children.
//
// If anyOf has predicates, an update counts only if one of them returns true or panics. Creations
// and deletions always count.
//
// The cost of an event does not grow with the number of lists, as long as these differ in the
// namespace, in a label with one value, or in the value of an index: then only the lists that the
// object may be in are examined. Lists by other selectors, and by selector types of the user's
// own, are examined for each event.
//
// # Errors
//
// [Controller.Run] returns an error if the informer or a predicate is nil, or if the informer was
// given to References before. If References is called after Run or ReleaseAll it has no effect,
// is logged, and makes the next Run return an error. The same informer may be given to other
// functions too.
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
// object counts as one that matches: no reader of this list, or of another one, misses the event.
func matches[U repository.Object](h hub, kind schema.GroupVersionKind, match func(U) bool, obj U) (yes bool) {
	defer func() {
		if value := recover(); value != nil {
			h.trouble(kerr.New(kerr.OpMap, kind, repository.Key(obj), obj.GetUID(), kerr.Recovered(value)))
			yes = true
		}
	}()
	return match(obj)
}
