package controller

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// References makes what an attempt reads from an informer a reason to reconcile it
// again: an object that it got, also one that was not there, and every object that
// belongs, or belonged, into a list that it read. What counts are the reads of the
// last attempt, by Get, List and ByIndex with its ctx. There is no mapping to write,
// and none to forget.
//
// If anyOf has predicates, a change counts only if one of them holds; objects that
// come and go always count, and so does a change for which a predicate panics. It must be called before Run, which runs the informer
// too.
//
// The idea is that of krt, the collections of Istio, where what a function fetched
// is what makes it run again.
func References[U, T repository.Object, C Context[T]](c *Controller[T, C], in *informer.Informer[U], anyOf ...informer.Predicate[U]) {
	c.referenced = append(c.referenced, in)
	listen(c, in, mapping[U]{ours: true, weight: queue.Early, filter: anyOf, keys: func(h hub, before, after U) []types.NamespacedName {
		return readers(h, in, before, after)
	}})
}

// readers returns the keys whose last attempt read before or after.
func readers[U repository.Object](h hub, in *informer.Informer[U], before, after U) []types.NamespacedName {
	d, found := h.dependencies(in), keys{}
	indexed, lists := d.indexed(), d.lists()
	for _, obj := range []U{before, after} {
		if obj == *new(U) {
			continue
		}
		d.who(found, read{name: repository.Key(obj)})
		for _, index := range indexed {
			for _, value := range in.Indexed(index, obj) {
				d.who(found, read{index: index, id: value})
			}
		}
		for id, match := range lists {
			if matches(h, in.Kind(), match.(func(U) bool), obj) {
				d.who(found, read{id: id})
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
