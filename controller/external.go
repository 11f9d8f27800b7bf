package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
)

// external is a function given to Source.
type external struct {
	run  func(ctx context.Context, enqueue func(types.NamespacedName)) error
	busy chan struct{} // taken by the call that runs, also if its Run has ended
}

// errReturned is what is wrong with a source that ends without an error.
var errReturned = errors.New("it returned before its context ended")

// Source adds something outside Kubernetes that says which objects to reconcile: a queue, a
// webhook, a channel, or a poll of another system. run calls enqueue for each such object until
// its ctx ends, and then returns.
//
// # Expected flow
//
// [Controller.Run] calls run on a goroutine of its own when the workers start. Its ctx ends when
// the ctx of Run does. enqueue does what [Controller.Enqueue] does: the reason is [VerbEnqueued],
// a backoff is not shortened, and a key without a cached object is ignored. It does not block,
// may be called by several goroutines, and does nothing after Run has ended.
//
// # Guarantees
//
// There is at most one call of run at a time. If a call goes on after its Run has ended, the next
// Run waits for it before it calls run again. Run does not return nil before run has returned.
//
// # Caveats
//
// A source that reports only changes misses those that happen while no process runs. But every
// object is reconciled once after a start. ReleaseAll does not call run.
//
// # Errors
//
// If run returns an error, panics, or returns before its ctx has ended, that is logged and given
// to Options.Observer, with [kerr.OpSource]. run is then called again after Options.MinBackoff;
// the wait doubles each time, up to Options.MaxBackoff, and starts again at MinBackoff after a
// call that took MaxBackoff or longer. [kerr.After] and Retry-After count as for Apply. If run
// has not returned 5 seconds after the attempts ended, Run returns an error that says so.
//
// Run returns an error if run is nil. If Source is called after Run or ReleaseAll it has no
// effect, is logged, and makes the next Run return an error.
func (c *Controller[T, C]) Source(run func(ctx context.Context, enqueue func(types.NamespacedName)) error) {
	c.wire("Source", func() error {
		if run == nil {
			return errors.New("the function is nil")
		}
		c.external = append(c.external, &external{run, make(chan struct{}, 1)})
		return nil
	})
}

// call is one call of the source, which may have to wait for one of an earlier Run.
func (e *external) call(ctx context.Context, enqueue func(types.NamespacedName)) error {
	select {
	case <-ctx.Done():
		return nil
	case e.busy <- struct{}{}:
	}
	defer func() { <-e.busy }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := errReturned
	panicked := foreign.Call(func() {
		if failed := kerr.Contain(e.run(ctx, enqueue)); failed != nil {
			err = failed
		}
	})
	if panicked != nil {
		return panicked
	}
	return err
}

// follow calls a source until ctx ends.
func (c *Controller[T, C]) follow(ctx context.Context, r *runState[T], e *external) {
	enqueue := func(key types.NamespacedName) { r.enqueue(key, queue.Change) }
	backoff := c.opts.MinBackoff
	for {
		began := time.Now()
		err := e.call(ctx, enqueue)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= c.opts.MaxBackoff {
			backoff = c.opts.MinBackoff
		}
		c.trouble(kerr.New(kerr.OpSource, c.repo.Kind(), types.NamespacedName{}, "", err))
		wait := time.Duration(float64(backoff) * (0.8 + 0.2*rand.Float64()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(kerr.NextTry(err, wait, min(c.opts.MinBackoff, leastAfter), max(c.opts.MaxBackoff, mostAsked))):
		}
		backoff = min(2*backoff, c.opts.MaxBackoff)
	}
}

// leaveOutside waits for the sources, for at most abandonAfter.
func (r *runState[T]) leaveOutside() error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.outside.Wait()
	}()
	if !within(abandonAfter, done) {
		return fmt.Errorf("a source ignores its context and was left behind %s after the attempts ended", abandonAfter)
	}
	return nil
}
