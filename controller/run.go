package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// running is one call of Run.
type running[T repository.Object] struct {
	queue  *queue.Queue[types.NamespacedName, Reason]
	states states
	wg     sync.WaitGroup // the workers

	mu   sync.Mutex
	busy map[types.NamespacedName]bool
}

// Run watches and reconciles until ctx ends, and returns when everything that it
// started has stopped.
//
// # Expected flow
//
// Run fills its caches, then starts the workers. A kind that the API server does
// not serve, or denies, keeps it trying, and each failure is logged and told to
// Options.OnAttempt. When ctx ends no attempt starts any more; running attempts
// finish, with their own ctx still alive, for at most Options.Grace; then their ctx
// is cancelled.
//
// # Guarantees
//
// After Run returned nil no goroutine of the controller is left and nothing is
// written. Then Run may be called again, and starts anew.
//
// # Errors
//
// A [*kerr.ShutdownTimeout] if attempts had to be cancelled; it names their
// objects. An error at once if the controller is running already.
func (c *Controller[T, C]) Run(ctx context.Context) error {
	r, err := c.begin()
	if err != nil {
		return err
	}
	defer c.end()
	c.enqueueEarly(r)
	// Attempts outlive ctx by the grace period.
	work, cancelWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelWork(nil)
	subscriptions, err := c.subscribe(ctx, r)
	if err == nil && cache.WaitFor(ctx, "", synced(subscriptions)...) {
		for range c.opts.Workers {
			r.wg.Go(func() { c.worker(ctx, work, r) })
		}
	}
	if err == nil {
		<-ctx.Done()
	}
	r.queue.ShutDown()
	err = errors.Join(err, r.drain(c.opts.Grace, cancelWork))
	for _, s := range subscriptions {
		err = errors.Join(err, s.Stop())
	}
	return err
}

// begin lets nobody else run the controller until end.
func (c *Controller[T, C]) begin() (*running[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil {
		return nil, fmt.Errorf("run controller %q: it is running already", c.opts.Name)
	}
	c.current = &running[T]{
		queue: queue.New[types.NamespacedName, Reason](queue.Options{Base: c.opts.MinBackoff, Max: c.opts.MaxBackoff}),
		busy:  map[types.NamespacedName]bool{},
	}
	return c.current, nil
}

func (c *Controller[T, C]) enqueueEarly(r *running[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.early {
		r.queue.Add(key, Reason{Verb: VerbEnqueued}, false)
	}
	c.early.Clear()
}

func (c *Controller[T, C]) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = nil
}

// subscribe starts the informers. It returns those that were started also beside an
// error.
func (c *Controller[T, C]) subscribe(ctx context.Context, r *running[T]) ([]subscription, error) {
	own, err := c.informer.Subscribe(ctx, primary[T, C]{c, r})
	if err != nil {
		return nil, err
	}
	subscriptions := []subscription{own}
	for _, source := range c.sources {
		s, err := source.subscribe(ctx, func(key types.NamespacedName, reason Reason) { r.queue.Add(key, reason, false) })
		if err != nil {
			return subscriptions, err
		}
		subscriptions = append(subscriptions, s)
	}
	return subscriptions, nil
}

func synced(subscriptions []subscription) []cache.DoneChecker {
	var checkers []cache.DoneChecker
	for _, s := range subscriptions {
		checkers = append(checkers, s.Synced()...)
	}
	return checkers
}

// drain waits for the workers: first for them to finish, then for them to notice
// that their ctx is cancelled.
func (r *running[T]) drain(grace time.Duration, cancel context.CancelCauseFunc) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.wg.Wait()
	}()
	if within(grace, done) {
		return nil
	}
	timeout := &kerr.ShutdownTimeout{Keys: r.keys()}
	cancel(timeout)
	if !within(abandonAfter, done) {
		timeout = &kerr.ShutdownTimeout{Keys: timeout.Keys, Abandoned: r.keys()}
	}
	return timeout
}

func within(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// keys returns the objects that are being worked on.
func (r *running[T]) keys() []types.NamespacedName {
	r.mu.Lock()
	defer r.mu.Unlock()
	var keys []types.NamespacedName
	for key := range r.busy {
		keys = append(keys, key)
	}
	return keys
}

func (r *running[T]) setBusy(key types.NamespacedName, busy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if busy {
		r.busy[key] = true
	} else {
		delete(r.busy, key)
	}
}

// Runner is anything that runs until its ctx ends: controllers and informers.
type Runner interface {
	Run(ctx context.Context) error
}

// RunAll runs the runners until ctx ends or one of them returns an error, which
// ends the others too, and returns when all have returned. The errors are joined.
func RunAll(ctx context.Context, runners ...Runner) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(runners))
	var wg sync.WaitGroup
	for i, runner := range runners {
		wg.Go(func() {
			if errs[i] = runner.Run(ctx); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
