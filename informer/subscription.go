package informer

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/repository"
)

// Handler is told what happens to the objects of an [Informer]. Its functions are
// called one at a time, for objects that must not be changed, and must return
// quickly. client-go's [cache.TypedResourceEventHandler] says when.
type Handler[T repository.Object] interface {
	cache.TypedResourceEventHandler[T]
	// OnError is told about lists and watches that failed and will be tried again,
	// about caches that were found stale ([StaleError]), and about objects that
	// cannot be decoded. It may be called while another function of the handler runs.
	OnError(err error)
}

// FullHandler is an optional interface that can be implemented by a [Handler]. If
// implemented, OnFull is called each time when the handler has been told of all objects that a
// namespace had when its watch began, see [Subscription.Full]. It may be called while another
// function of the handler runs.
type FullHandler interface {
	OnFull()
}

// Subscription is a handler that is being called. End it with Stop.
type Subscription[T repository.Object] struct {
	informer *Informer[T]
	running  *lifetime[T]
	handler  Handler[T]
	// calling is taken by who calls the handler: each feed has a goroutine for that.
	// It is a channel: no mutex is held while foreign code runs.
	calling chan struct{}
	reports sync.WaitGroup        // calls of OnError
	parts   map[*feed[T]]*part[T] // changed and read in the informer's turn only

	mu   sync.Mutex                          // is taken to replace full
	full atomic.Pointer[map[string]*part[T]] // by namespace
}

// part is a subscription to one feed.
type part[T repository.Object] struct {
	teller       *dispatcher[T]
	registration cache.ResourceEventHandlerRegistration
	told         atomic.Bool
	synced       chan struct{} // closed when it is, or when there is nothing to wait for any more
	end          chan bool     // true: the namespace is not watched any more
}

// Subscribe runs the informer, if it does not run yet, and calls h for every object
// that it has and for every change from now on, until the subscription is stopped.
// ctx gives its values to the informer; that it ends stops nothing. It must not be
// called by a handler of this informer.
func (i *Informer[T]) Subscribe(ctx context.Context, h Handler[T]) (*Subscription[T], error) {
	s := &Subscription[T]{informer: i, handler: h, calling: make(chan struct{}, 1), parts: map[*feed[T]]*part[T]{}}
	s.full.Store(&map[string]*part[T]{})
	if _, err := i.acquire(ctx, s); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// begin makes s one of those who are told. It must be called in turn.
func (s *Subscription[T]) begin(r *lifetime[T]) error {
	s.running = r
	r.mu.Lock()
	r.subscriptions[s] = true
	r.mu.Unlock()
	for _, f := range r.feeds.Load().by {
		if err := s.join(f); err != nil {
			return err
		}
	}
	return nil
}

// join lets the handler be told by a feed. It must be called in turn.
func (s *Subscription[T]) join(f *feed[T]) error {
	p := &part[T]{
		teller: &dispatcher[T]{subscription: s, feed: f, told: map[cache.ObjectName]T{}},
		synced: make(chan struct{}), end: make(chan bool, 1),
	}
	var err error
	if p.registration, err = f.informer.AddTypedEventHandler(p.teller); err != nil {
		return err
	}
	s.parts[f] = p
	s.change(func(full map[string]*part[T]) { full[f.namespace] = p })
	s.running.wg.Go(func() { p.wait(s.handler) })
	return nil
}

// quit ends the part of a feed that is not watched any more, and tells the handler
// that its objects are gone. It must be called in turn.
func (s *Subscription[T]) quit(f *feed[T]) error {
	err := s.detach(f, true)
	p := s.parts[f]
	delete(s.parts, f)
	s.change(func(full map[string]*part[T]) { delete(full, f.namespace) })
	p.teller.forget()
	return err
}

// detach returns when the feed does not call the handler any more.
func (s *Subscription[T]) detach(f *feed[T], gone bool) error {
	s.parts[f].end <- gone
	return cache.ShutDownEventHandler(f.informer, s.parts[f].registration)
}

// wait closes p.synced in time.
func (p *part[T]) wait(handler Handler[T]) {
	select {
	case <-p.registration.HasSyncedChecker().Done():
		p.teller.feed.arrived()
		p.told.Store(true)
		close(p.synced)
		if h, ok := handler.(FullHandler); ok {
			h.OnFull()
		}
	case gone := <-p.end:
		if gone {
			close(p.synced)
		}
	}
}

// Full reports whether the handler has been told of all objects that were in the namespace
// when its watch began. If the informer does not watch it by itself, or for the empty
// namespace, that is about all namespaces that are watched.
func (s *Subscription[T]) Full(namespace string) bool {
	full := *s.full.Load()
	for _, by := range []string{metav1.NamespaceAll, namespace} {
		if p := full[by]; p != nil {
			return p.told.Load()
		}
	}
	for _, p := range full {
		if !p.told.Load() {
			return false
		}
	}
	return true
}

func (s *Subscription[T]) change(f func(full map[string]*part[T])) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := maps.Clone(*s.full.Load())
	f(full)
	s.full.Store(&full)
}

// Name implements [cache.DoneChecker].
func (p *part[T]) Name() string { return p.registration.HasSyncedChecker().Name() }

// Done implements [cache.DoneChecker].
func (p *part[T]) Done() <-chan struct{} { return p.synced }

// report calls OnError, once it was counted.
func (s *Subscription[T]) report(err error) {
	defer s.reports.Done()
	s.handler.OnError(err)
}

// Synced returns what completes when the handler has been told of all objects that
// existed at the beginning, in the namespaces that are watched now. A namespace that
// is not watched any more completes too. Wait with [cache.WaitFor].
func (s *Subscription[T]) Synced() []cache.DoneChecker {
	defer s.informer.take()()
	var checkers []cache.DoneChecker
	for _, p := range s.parts {
		checkers = append(checkers, p)
	}
	return checkers
}

// Stop returns when the handler is not called any more, and the informer has
// stopped if nobody else uses it. It must not be called by a handler of this
// informer. A second call does nothing.
func (s *Subscription[T]) Stop() error {
	stopped, err := s.finish()
	if stopped {
		s.informer.release(s.running)
	}
	return err
}

func (s *Subscription[T]) finish() (stopped bool, err error) {
	defer s.informer.take()()
	s.running.mu.Lock()
	stopped = s.running.subscriptions[s]
	s.running.mu.Unlock()
	if !stopped {
		return false, nil
	}
	var errs []error
	for f := range s.parts {
		errs = append(errs, s.detach(f, false))
	}
	clear(s.parts)
	s.running.mu.Lock()
	delete(s.running.subscriptions, s)
	s.running.mu.Unlock()
	s.reports.Wait()
	return true, errors.Join(errs...)
}
