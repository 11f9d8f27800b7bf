package informer

import (
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/repository"
)

// dispatcher calls a handler for the objects of one feed.
//
// It remembers what it told, to the cost of some 70 bytes per object: client-go drops
// what a handler that is removed was still to be told, so that the cache does not say
// what it knows of.
type dispatcher[T repository.Object] struct {
	subscription *Subscription[T]
	feed         *feed[T]
	told         map[cache.ObjectName]T
}

func (t *dispatcher[T]) OnAdd(obj T, initial bool) {
	t.feed.arrived()
	t.told[cache.MetaObjectToName(obj)] = obj
	defer t.subscription.call()()
	t.subscription.handler.OnAdd(obj, initial)
}

// OnUpdate leaves out the updates that are none: after a watch broke and the objects
// were listed again, client-go calls handlers for all of them. Only with resyncs is being
// told of the same state again what somebody asked for.
func (t *dispatcher[T]) OnUpdate(before, after T) {
	t.feed.arrived()
	t.told[cache.MetaObjectToName(after)] = after
	if t.subscription.informer.opts.Resync <= 0 && journal.OrderOf(before, after) == journal.Same {
		return
	}
	defer t.subscription.call()()
	t.subscription.handler.OnUpdate(before, after)
}

func (t *dispatcher[T]) OnDelete(obj cache.DeletedObject[T]) {
	t.feed.arrived()
	delete(t.told, obj.GetObjectName())
	defer t.subscription.call()()
	t.subscription.handler.OnDelete(obj)
}

// forget tells that all objects are gone. The feed must not call the handler any more.
func (t *dispatcher[T]) forget() {
	for _, obj := range t.told {
		t.OnDelete(cache.DeletedObject[T]{OptionalObj: obj})
	}
}

// call waits until nobody else calls the handler, and returns what to do afterwards.
func (s *Subscription[T]) call() (done func()) {
	s.calling <- struct{}{}
	return func() { <-s.calling }
}
