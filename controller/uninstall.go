package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// ReleaseAll prepares for uninstalling an operator: for every object that carries the finalizer
// it calls Cleanup and removes the finalizer, also if it is paused. Otherwise the objects, and their namespaces, cannot
// be deleted after the operator is gone. With [NoFinalizer] it does nothing.
//
// # Expected flow
//
// The informers given to Owns, OwnsShared, Watches and References, and that of the controller,
// are run and filled first, so that Cleanup finds in them what it finds while the controller
// runs. Then Options.Workers objects at a time are released, each within Options.Timeout.
//
// # Guarantees
//
// An object whose Cleanup fails, hangs or is not finished keeps its finalizer. The other objects
// are released all the same. A record at level info tells how many objects there were.
//
// # Assumptions
//
// No process applies these objects at the same time, or afterwards: the controller must be
// stopped, everywhere.
//
// # Caveats
//
// An informer that cannot be filled keeps ReleaseAll waiting until ctx ends, and then nothing is
// released.
//
// # Errors
//
// The failures, joined: the first ten, and the number of the others. An error at once if this
// controller is running, or if a call of Owns and the like was wrong. A second call takes up what
// is left.
func (c *Controller[T, C]) ReleaseAll(ctx context.Context) error {
	r, err := c.begin()
	if err != nil {
		return fmt.Errorf("release all: %w", err)
	}
	defer c.end()
	r.queue.ShutDown() // nothing is reconciled
	if c.finalizer == NoFinalizer {
		return nil
	}
	go r.troubles.run(c.tellTrouble)
	defer r.troubles.end(abandonAfter)
	subscriptions, err := c.subscribe(ctx, r)
	if err == nil && !cache.WaitFor(ctx, "", synced(subscriptions)...) {
		err = fmt.Errorf("the caches are not full: %w", context.Cause(ctx))
	}
	var failures failures
	if err == nil {
		err = c.releaseEach(ctx, &failures)
	}
	for _, s := range subscriptions {
		err = errors.Join(err, s.Stop())
	}
	if err != nil {
		failures.add(fmt.Errorf("release all: %w", err))
	}
	return failures.joined()
}

// releaseEach releases the objects that there are on the server. How many there were is logged: none at all
// may be the sign of a namespace that was named wrong.
func (c *Controller[T, C]) releaseEach(ctx context.Context, failures *failures) error {
	workers := make(chan struct{}, c.opts.Workers)
	var objects, held int
	var wg sync.WaitGroup
	err := c.eachLive(ctx, func(obj T) {
		objects++
		if !finalizer.Held(obj, c.finalizer) {
			return
		}
		held++
		workers <- struct{}{}
		wg.Go(func() {
			defer func() { <-workers }()
			failures.add(c.releaseInTime(ctx, obj))
		})
	})
	wg.Wait()
	c.opts.Logger.Info("release all: every object was looked at", zap.String("finalizer", c.finalizer),
		zap.Int("objects", objects), zap.Int("withFinalizer", held), zap.Int("failed", failures.number()))
	return err
}

// releaseInTime is release with a deadline, which holds also for code that ignores its ctx.
func (c *Controller[T, C]) releaseInTime(ctx context.Context, obj T) error {
	key, uid := repository.Key(obj), obj.GetUID()
	ended, ok := c.left.release(key)
	if !ok {
		return kerr.New(kerr.OpCleanup, c.repo.Kind(), key, uid, errors.New("an attempt that was abandoned is still running"))
	}
	if c.opts.Timeout < 0 {
		defer ended()
		return c.release(ctx, obj)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.Timeout, errTimeout{c.opts.Timeout})
	defer cancel()
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer ended()
		err = c.release(ctx, obj)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
	}
	if within(abandonAfter, done) {
		return err
	}
	return kerr.New(kerr.OpCleanup, c.repo.Kind(), key, uid,
		fmt.Errorf("it ignores its context, and the finalizer stays: %w", context.Cause(ctx)))
}

// failures are the first few of many.
type failures struct {
	mu    sync.Mutex
	first []error
	more  int
}

func (f *failures) add(err error) {
	const most = 10
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
	case len(f.first) < most:
		f.first = append(f.first, err)
	default:
		f.more++
	}
}

// number is how many there are.
func (f *failures) number() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.first) + f.more
}

func (f *failures) joined() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.more > 0 {
		return errors.Join(append(f.first, fmt.Errorf("and %d more", f.more))...)
	}
	return errors.Join(f.first...)
}

// release calls Cleanup for one object and removes its finalizer. It returns also if that code does
// not, as it panics or calls runtime.Goexit: an object of which nobody hears would count as released.
func (c *Controller[T, C]) release(ctx context.Context, obj T) (err error) {
	key, uid := repository.Key(obj), obj.GetUID()
	panicked := foreign.Call(func() {
		_, err = finalizer.Release(ctx, c.repo, c.finalizer, obj, nil, func(ctx context.Context, obj T) (action Action, err error) {
			defer recovered(&err)
			return finished(c.user.Cleanup(ctx, obj))
		})
	})
	if panicked != nil {
		err = kerr.New(kerr.OpCleanup, c.repo.Kind(), key, uid, panicked)
	}
	switch {
	case errors.Is(err, errUnfinished):
		c.opts.Logger.Info("the cleanup is not finished, finalizer kept", names(key, uid)...)
	case err != nil:
		c.opts.Logger.Error("release failed, finalizer kept", append(names(key, uid), errorFields(err)...)...)
	}
	return err
}

// eachLive calls f for every object on the server that the controller would see.
func (c *Controller[T, C]) eachLive(ctx context.Context, f func(T)) error {
	var errs []error
	for _, lw := range c.informer.ListerWatchers() {
		objs, err := repository.ListFrom[T](ctx, c.repo.Kind(), lw, metav1.ListOptions{})
		errs = append(errs, err)
		for _, obj := range objs {
			f(obj)
		}
	}
	return errors.Join(errs...)
}
