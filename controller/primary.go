package controller

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// primary turns the events of the controller's own kind into keys. client-go calls
// it from one goroutine; it must not block, and a panic would end the process.
type primary[T repository.Object, C Context[T]] struct {
	c *Controller[T, C]
	r *runState[T]
}

func (p primary[T, C]) OnAdd(obj T, first bool) {
	weight := queue.Change
	if first {
		weight = queue.Background
	}
	p.enqueue(obj, VerbAdded, obj.GetResourceVersion(), weight)
	p.r.arrived(p.c.ref(repository.Key(obj)))
}

func (p primary[T, C]) OnUpdate(before, after T) {
	if before.GetUID() != after.GetUID() {
		p.vanished(before)
	}
	order, rv := journal.OrderOf(before, after), after.GetResourceVersion()
	if order == journal.Same {
		p.enqueue(after, VerbResync, rv, queue.Background)
		return
	}
	weight := queue.Change
	turned := pauseChanged(before, after) || p.c.selectionChanged(before, after)
	if turned || isNews(before, after) {
		weight = queue.News
	}
	if order == journal.Rewritten {
		rv, weight = "", queue.News // another state had the number
	}
	if order == journal.Rewritten || turned || p.c.matters(before, after) {
		p.enqueue(after, VerbUpdated, rv, weight)
	}
	p.r.arrived(p.c.ref(repository.Key(after)))
}

func (p primary[T, C]) OnDelete(obj cache.DeletedObject[T]) {
	key := types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()}
	reason := Reason{Verb: VerbDeleted, Kind: p.c.repo.Kind().GroupKind(), Key: key}
	if obj.OptionalObj != *new(T) {
		reason.ResourceVersion = obj.OptionalObj.GetResourceVersion()
		p.vanished(obj.OptionalObj)
	}
	p.r.queue.Add(key, reason, queue.News)
	p.r.arrived(p.c.ref(key))
}

// vanished notes the last state of an object, see bypass.go.
func (p primary[T, C]) vanished(obj T) {
	if p.c.finalizer != NoFinalizer {
		p.r.vanished.add(repository.Key(obj), obj)
	}
}

// OnFull implements informer.FullHandler.
func (p primary[T, C]) OnFull() { p.r.opened() }

func (p primary[T, C]) OnError(err error) { p.c.trouble(err) }

func (p primary[T, C]) enqueue(obj T, verb Verb, rv string, weight queue.Weight) {
	key := repository.Key(obj)
	p.r.queue.Add(key, Reason{Verb: verb, Kind: p.c.repo.Kind().GroupKind(), Key: key, ResourceVersion: rv}, weight)
}

// matters asks the filter.
func (c *Controller[T, C]) matters(before, after T) bool {
	if c.filter == nil {
		return informer.Changed(before, after)
	}
	return informer.LifecycleChanged(before, after) || passes(*c.filter, before, after, func(panicked error) {
		c.trouble(kerr.New(kerr.OpFilter, c.repo.Kind(), repository.Key(after), after.GetUID(), panicked))
	})
}

// passes reports whether any of the predicates holds. With none, every change passes. A predicate
// that panics hides nothing, and is reported.
func passes[U repository.Object](anyOf []informer.Predicate[U], before, after U, report func(error)) (yes bool) {
	if len(anyOf) == 0 {
		return true
	}
	err := foreign.Call(func() {
		yes = slices.ContainsFunc(anyOf, func(p informer.Predicate[U]) bool { return p(before, after) })
	})
	if err != nil {
		report(err)
		return true
	}
	return yes
}

// isNews reports whether a change resets the backoff: the spec or the pause changed, the object is
// being deleted, or it is a new one of the same name. For an object without a generation any change may
// be that.
func isNews[T repository.Object](before, after T) bool {
	return after.GetGeneration() == 0 || before.GetGeneration() != after.GetGeneration() || before.GetUID() != after.GetUID() || pauseChanged(before, after) ||
		(before.GetDeletionTimestamp() == nil) != (after.GetDeletionTimestamp() == nil)
}
