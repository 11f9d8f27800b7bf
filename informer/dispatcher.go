package informer

import (
	"sync/atomic"

	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/keyed"
	"github.com/kuberator/kuberator/repository"
)

// dispatcher calls a handler for the objects of one feed.
//
// It remembers the objects that the handler was called with, at some 25 bytes each: client-go
// drops the calls that are pending when a handler is removed, so that the cache does not say what
// the handler knows.
type dispatcher[T repository.Object] struct {
	subscription *Subscription[T]
	feed         *feed[T]
	told         *keyed.Map[cache.ObjectName, T] // nil: nothing is remembered
	count        atomic.Int64                    // of told, for others
}

// tell waits until the handler can be called, and returns what to do afterwards.
func (t *dispatcher[T]) tell() (done func()) {
	t.count.Store(int64(t.told.Len()))
	return t.subscription.call()
}

// keeper is the handler of [Informer.Keep].
type keeper[T repository.Object] struct {
	cache.TypedResourceEventHandlerFuncs[T]

	onError func(error)
}

// OnError implements [Handler].
func (k keeper[T]) OnError(err error) { k.onError(err) }

func (t *dispatcher[T]) OnAdd(obj T, initial bool) {
	t.feed.arrived()
	t.remember(obj)
	defer t.tell()()
	t.subscription.handler.OnAdd(obj, initial)
}

// OnUpdate leaves out updates that change nothing: after a watch broke and the objects were
// listed again, client-go calls handlers for all of them. With Options.Resync, calls with the
// same state are wanted.
func (t *dispatcher[T]) OnUpdate(before, after T) {
	t.feed.arrived()
	t.remember(after)
	if t.subscription.informer.opts.Resync <= 0 && journal.OrderOf(before, after) == journal.Same {
		return
	}
	defer t.subscription.call()()
	t.subscription.handler.OnUpdate(before, after)
}

func (t *dispatcher[T]) OnDelete(obj cache.DeletedObject[T]) {
	t.feed.arrived()
	t.told.Delete(obj.GetObjectName())
	defer t.tell()()
	t.subscription.handler.OnDelete(obj)
}

func (t *dispatcher[T]) remember(obj T) {
	if t.told != nil {
		t.told.Put(obj)
	}
}

func nameOf[T repository.Object](obj T) cache.ObjectName { return cache.MetaObjectToName(obj) }

// forget calls the handler with the deletion of all objects. The feed must not call the handler
// any more.
func (t *dispatcher[T]) forget() {
	for obj := range t.told.All() {
		t.OnDelete(cache.DeletedObject[T]{OptionalObj: obj})
	}
}

// call waits until no other goroutine calls the handler, and returns what to do afterwards.
func (s *Subscription[T]) call() (done func()) {
	s.calling <- struct{}{}
	return func() { <-s.calling }
}
