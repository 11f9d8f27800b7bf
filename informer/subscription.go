package informer

import (
	"context"
	"errors"

	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/repository"
)

// Handler is told what happens to the objects of an [Informer]. Its functions are
// called one at a time, for objects that must not be changed, and must return
// quickly. client-go's [cache.TypedResourceEventHandler] says when.
type Handler[T repository.Object] interface {
	cache.TypedResourceEventHandler[T]
	// OnError is told about lists and watches that failed and will be tried again,
	// and about objects that cannot be decoded. It may be called while another
	// function of the handler runs.
	OnError(err error)
}

// Subscription is a handler that is being called. End it with Stop.
type Subscription[T repository.Object] struct {
	informer *Informer[T]
	running  *running[T]
	handles  []handle
}

type handle struct {
	from cache.SharedInformer
	cache.ResourceEventHandlerRegistration
}

// Subscribe runs the informer, if it does not run yet, and calls h for every object
// that it has and for every change from now on, until the subscription is stopped.
// ctx gives its values to the informer; that it ends stops nothing.
func (i *Informer[T]) Subscribe(ctx context.Context, h Handler[T]) (*Subscription[T], error) {
	s := &Subscription[T]{informer: i, running: i.acquire(ctx)}
	s.running.mu.Lock()
	s.running.reports[s] = h.OnError
	s.running.mu.Unlock()
	for _, in := range s.running.namespaces {
		registration, err := in.AddTypedEventHandler(i.handler(h))
		if err != nil {
			return nil, errors.Join(err, s.Stop())
		}
		s.handles = append(s.handles, handle{in, registration})
	}
	return s, nil
}

// handler returns h without the updates that are none: after a watch broke and the
// objects were listed again, client-go calls handlers for all of them. The same
// resourceVersion is the same state, of which h was told before. Only with resyncs
// is being told again what somebody asked for.
func (i *Informer[T]) handler(h Handler[T]) cache.TypedResourceEventHandler[T] {
	if i.opts.Resync > 0 {
		return h
	}
	return changes[T]{h}
}

type changes[T repository.Object] struct{ Handler[T] }

func (c changes[T]) OnUpdate(before, after T) {
	if rv := after.GetResourceVersion(); rv == "" || rv != before.GetResourceVersion() {
		c.Handler.OnUpdate(before, after)
	}
}

// Synced returns what completes when the handler has been told of all objects that
// existed at the beginning. Wait with [cache.WaitFor].
func (s *Subscription[T]) Synced() []cache.DoneChecker {
	var checkers []cache.DoneChecker
	for _, h := range s.handles {
		checkers = append(checkers, h.HasSyncedChecker())
	}
	return checkers
}

// Stop returns when the handler is not called any more, and the informer has
// stopped if nobody else uses it. It must not be called by the handler.
func (s *Subscription[T]) Stop() error {
	var errs []error
	for _, h := range s.handles {
		errs = append(errs, cache.ShutDownEventHandler(h.from, h.ResourceEventHandlerRegistration))
	}
	s.running.mu.Lock()
	delete(s.running.reports, s)
	s.running.mu.Unlock()
	s.informer.release(s.running)
	return errors.Join(errs...)
}
