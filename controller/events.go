package controller

import (
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// primary turns the events of the controller's own kind into keys. client-go calls
// it from one goroutine; it must not block, and a panic would end the process.
type primary[T repository.Object, C Context[T]] struct {
	c *Controller[T, C]
	r *running[T]
}

func (p primary[T, C]) OnAdd(obj T, _ bool) { p.enqueue(obj, VerbAdded, false) }

func (p primary[T, C]) OnUpdate(before, after T) {
	if rv := after.GetResourceVersion(); rv != "" && rv == before.GetResourceVersion() {
		p.enqueue(after, VerbResync, false)
		return
	}
	if p.c.matters(before, after) {
		p.enqueue(after, VerbUpdated, isNews(before, after))
	}
}

func (p primary[T, C]) OnDelete(obj cache.DeletedObject[T]) {
	key := types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()}
	reason := Reason{Verb: VerbDeleted, Kind: p.c.repo.Kind().Kind, Key: key}
	if obj.OptionalObj != *new(T) {
		reason.ResourceVersion = obj.OptionalObj.GetResourceVersion()
	}
	p.r.queue.Add(key, reason, true)
}

func (p primary[T, C]) OnError(err error) { p.c.trouble(err) }

func (p primary[T, C]) enqueue(obj T, verb Verb, news bool) {
	key := repository.Key(obj)
	p.r.queue.Add(key, Reason{Verb: verb, Kind: p.c.repo.Kind().Kind, Key: key, ResourceVersion: obj.GetResourceVersion()}, news)
}

// matters asks the filter. A filter that panics hides nothing.
func (c *Controller[T, C]) matters(before, after T) (yes bool) {
	if informer.LifecycleChanged(before, after) || len(c.filter) == 0 {
		return true
	}
	defer func() {
		if value := recover(); value != nil {
			c.trouble(kerr.New(kerr.OpFilter, c.repo.Kind(), repository.Key(after), after.GetUID(), kerr.Recovered(value)))
			yes = true
		}
	}()
	for _, predicate := range c.filter {
		if predicate(before, after) {
			return true
		}
	}
	return false
}

// isNews tells a change that makes earlier failures history: somebody changed the
// spec, deleted the object, or made a new one of the same name.
func isNews[T repository.Object](before, after T) bool {
	return before.GetGeneration() != after.GetGeneration() || before.GetUID() != after.GetUID() ||
		(before.GetDeletionTimestamp() == nil) != (after.GetDeletionTimestamp() == nil)
}
