package informer

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/keyed"
	"github.com/kuberator/kuberator/repository"
)

// Handler is called with what happens to the objects of an [Informer]. OnAdd, OnUpdate and
// OnDelete are called one at a time, also if several namespaces are watched, and must return
// quickly. The objects are shared and must not be changed. See client-go's
// [cache.TypedResourceEventHandler] for when each is called; unlike there, OnUpdate is not called
// for a state that has not changed, unless Options.Resync is set.
type Handler[T repository.Object] interface {
	cache.TypedResourceEventHandler[T]
	// OnError is called with the error of each list or watch that failed and will be retried,
	// with a [StaleError] when the cache was found stale, and with the error of each object that
	// cannot be decoded, or for which an index or the transform failed. It may run concurrently
	// with the other functions, and with itself.
	OnError(err error)
}

// FullHandler is an optional interface that can be implemented by a [Handler]. If implemented,
// OnFull is called for each watched namespace, or once if all are watched as one, when OnAdd has
// been called for all objects that were there when its watch began, see [Subscription.Full]. It
// may run concurrently with the other functions.
type FullHandler interface {
	OnFull()
}

// Subscription is a handler that is being called. End it with Stop. Its methods are safe for
// concurrent use.
type Subscription[T repository.Object] struct {
	informer *Informer[T]
	running  *lifetime[T]
	handler  Handler[T]
	fresh    bool // see SubscribeFresh
	// calling is taken by the goroutine that calls the handler: each feed has one. It is a
	// channel: no mutex is held while foreign code runs.
	calling chan struct{}
	reports sync.WaitGroup        // calls of OnError
	parts   map[*feed[T]]*part[T] // changed and read with the lifecycle lock only

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
	behind       bool          // the feed may be
}

// Subscribe starts the informer, if it does not run yet, and calls h for every object that it has
// and for every change, until the subscription is stopped. Only the values of ctx are used;
// cancelling it does not end the subscription: call Stop. Subscribe must not be called by a
// handler of this informer.
func (i *Informer[T]) Subscribe(ctx context.Context, h Handler[T]) (*Subscription[T], error) {
	return i.subscribe(ctx, &Subscription[T]{informer: i, handler: h})
}

func (i *Informer[T]) subscribe(ctx context.Context, s *Subscription[T]) (*Subscription[T], error) {
	s.calling, s.parts = make(chan struct{}, 1), map[*feed[T]]*part[T]{}
	s.full.Store(&map[string]*part[T]{})
	if _, err := i.acquire(ctx, s); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// begin adds s to the subscriptions of r. It must be called with the lifecycle lock.
func (s *Subscription[T]) begin(r *lifetime[T]) error {
	s.running = r
	r.mu.Lock()
	r.subscriptions[s] = true
	r.mu.Unlock()
	for _, f := range r.feeds.Load().by {
		if err := s.join(f, s.fresh && f.lister != nil); err != nil {
			return err
		}
	}
	return nil
}

// join lets a feed call the handler. behind is for one that runs already and may be behind. It
// must be called with the lifecycle lock.
func (s *Subscription[T]) join(f *feed[T], behind bool) error {
	p := &part[T]{
		teller: &dispatcher[T]{subscription: s, feed: f},
		synced: make(chan struct{}), end: make(chan bool, 1), behind: behind,
	}
	if _, forgets := s.handler.(keeper[T]); !forgets {
		p.teller.told = keyed.New(nameOf[T])
	}
	var err error
	if p.registration, err = f.informer.AddTypedEventHandler(p.teller); err != nil {
		return err
	}
	s.parts[f] = p
	s.change(func(full map[string]*part[T]) { full[f.namespace] = p })
	s.running.spawn(func(ctx context.Context) { p.wait(ctx, s.handler) })
	return nil
}

// quit ends the part of a feed that is not watched any more, and calls the handler with the
// deletion of its objects. It must be called with the lifecycle lock.
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
func (p *part[T]) wait(ctx context.Context, handler Handler[T]) {
	select {
	case <-p.registration.HasSyncedChecker().Done():
	case gone := <-p.end:
		p.ended(gone)
		return
	}
	p.teller.feed.arrived()
	if p.behind {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		fresh := make(chan struct{})
		go func() {
			defer close(fresh)
			p.teller.feed.catchUp(ctx, p.teller.subscription.running.report)
		}()
		select {
		case <-fresh:
		case gone := <-p.end:
			cancel()
			<-fresh
			p.ended(gone)
			return
		}
	}
	p.told.Store(true)
	close(p.synced)
	if h, ok := handler.(FullHandler); ok {
		h.OnFull()
	}
}

func (p *part[T]) ended(gone bool) {
	if gone {
		close(p.synced)
	}
}

// Full reports whether the handler has been called for all objects that were in the namespace
// when its watch began. For the empty namespace, and for one that the informer does not watch by
// itself, it reports that of all namespaces that are watched.
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

// Synced returns checkers that complete when the handler has been called for all objects that
// existed when the watch began, one for each namespace that is watched now. The checker of a
// namespace that is removed completes too. Wait for them with [cache.WaitFor].
func (s *Subscription[T]) Synced() []cache.DoneChecker {
	defer s.informer.take()()
	var checkers []cache.DoneChecker
	for _, p := range s.parts {
		checkers = append(checkers, p)
	}
	return checkers
}

// Stop ends the subscription. It returns when the handler is not called any more and, if the
// informer has no other user, the informer has stopped. It must not be called by a handler of
// this informer. A second call does nothing and returns nil.
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
