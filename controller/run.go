package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/nilness"
	"github.com/kuberator/kuberator/kerr"
)

// Run watches and reconciles until ctx ends, and returns when everything that it started has
// stopped.
//
// # Expected flow
//
// Run fills its caches, then starts the workers. If the API server does not serve a kind, or
// denies it, Run keeps trying; each failure is logged and given to Options.Observer. If a
// namespace of several cannot be read, its objects wait, and those of the others are reconciled
// after 5 seconds. The objects of a namespace that informer.SetNamespaces adds wait until all
// caches of that namespace are full. When ctx ends, no attempt starts any more. Running attempts
// may finish, with their own ctx still alive, for at most Options.Grace; then their ctx is
// cancelled.
//
// # Guarantees
//
// After Run has returned nil, no goroutine that it started is left and nothing is written. Run
// may be called again, with empty caches. If an attempt of an earlier run was abandoned, since
// its code ignored its ctx, its object waits until that code has returned.
//
// # Errors
//
// A [*kerr.ShutdownTimeout] if attempts had to be cancelled; it names their objects. An error if
// a function given to [Controller.Source] does not return. An error at once if the controller is
// already running, or if a call of [Controller.Filter], Source, [Owns], [OwnsShared], [Watches]
// or [References] was wrong.
func (c *Controller[T, C]) Run(ctx context.Context) error {
	r, err := c.begin()
	if err != nil {
		return err
	}
	defer c.end()
	defer c.tellRunning()()
	c.enqueueEarly(r)
	// Attempts outlive ctx by the grace period.
	work, cancelWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelWork(nil)
	defer fence.OnClose(ctx, cancelWork)() // and no lease
	go r.troubles.run(c.tellTrouble)
	r.own.Live = func(ref journal.Ref) (journal.Object, error) {
		ctx, cancel := context.WithTimeout(ctx, afterwards)
		defer cancel()
		return c.caches.live(ctx, ref)
	}
	subscriptions, err := c.subscribe(ctx, r)
	r.gate.subscriptions = subscriptions
	r.subscribed.Store(&subscriptions)
	if err == nil && c.begun(ctx, subscriptions) {
		r.wg.Go(func() { r.ready.Store(cache.WaitFor(ctx, "", synced(subscriptions)...)) })
		for n := range c.opts.Workers {
			r.wg.Go(func() { c.worker(ctx, work, r, n) })
		}
		r.wg.Go(func() { c.sweep(ctx, work) })
		for _, e := range c.external {
			r.outside.Go(func() { c.follow(ctx, r, e) })
		}
	}
	if err == nil {
		c.watchdog(ctx, r)
	}
	r.stopping.Store(true)
	r.queue.ShutDown()
	r.refusals.stop()
	err = errors.Join(err, r.drain(c.opts.Grace, cancelWork), r.leaveOutside())
	r.own.Stop()
	for _, s := range subscriptions {
		err = errors.Join(err, s.Stop())
	}
	r.troubles.end(abandonAfter)
	return err
}

// begin marks the controller as running until end is called; a second call before that is an
// error.
func (c *Controller[T, C]) begin() (*runState[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil {
		return nil, fmt.Errorf("run controller %q: it is running already", c.opts.Name)
	}
	if err := c.freeze(); err != nil {
		return nil, fmt.Errorf("run controller %q: %w", c.opts.Name, err)
	}
	c.current = newRunState(c)
	return c.current, nil
}

func (c *Controller[T, C]) enqueueEarly(r *runState[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, weight := range c.early {
		r.enqueue(key, weight)
	}
	clear(c.early)
}

func (c *Controller[T, C]) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left.add(c.current)
	c.counts.adds += c.current.queue.Stats().Adds
	c.current = nil
}

// subscribe starts the informers. It returns those that were started also beside an
// error.
func (c *Controller[T, C]) subscribe(ctx context.Context, r *runState[T]) ([]subscription, error) {
	r.warm = c.informer.Running()
	own, err := c.informer.Subscribe(ctx, primary[T, C]{c, r})
	if err != nil {
		return nil, err
	}
	subscriptions := []subscription{own}
	for _, source := range c.sources {
		s, err := source.subscribe(ctx, r)
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
func (r *runState[T]) drain(grace time.Duration, cancel context.CancelCauseFunc) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.wg.Wait()
	}()
	if within(grace, done) {
		return nil
	}
	timeout := &kerr.ShutdownTimeout{Keys: r.keys(0)}
	cancel(timeout)
	if !within(abandonAfter, done) {
		timeout = &kerr.ShutdownTimeout{Keys: timeout.Keys, Abandoned: r.keys(0)}
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

// Runner is anything that runs until its ctx ends, such as a [Controller] or an
// informer.Informer.
type Runner interface {
	// Run returns after ctx has ended and everything that it started has stopped; nil if all went as asked.
	// It may also return before, with an error or if its work is done.
	Run(ctx context.Context) error
}

// RunnerFunc is a function that is a [Runner].
type RunnerFunc func(ctx context.Context) error

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context) error { return f(ctx) }

// RunAll runs the runners concurrently until ctx ends or one of them returns an error, which ends
// the others too. It returns when all have returned, with their errors joined. If a runner is nil, that is
// an error at once, and none is run.
func RunAll(ctx context.Context, runners ...Runner) error {
	for i, runner := range runners {
		if nilness.Is(runner) {
			return fmt.Errorf("run all: runner %d of %d is nil", i+1, len(runners))
		}
	}
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

// errTimeout is the cause of an attempt's ctx that ended.
type errTimeout struct{ after time.Duration }

func (e errTimeout) Error() string {
	return "the attempt ran longer than Options.Timeout (" + e.after.String() + ")"
}

// Is makes the cause the deadline that it is.
func (e errTimeout) Is(target error) bool { return target == context.DeadlineExceeded }
