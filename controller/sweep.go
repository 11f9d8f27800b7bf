package controller

import (
	"context"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// Sweeper is an optional interface that can be implemented by a [Context]. If implemented, Sweep
// looks for what Apply made outside the cluster and for which no object exists any more, and
// removes it. Such things remain if a finalizer was bypassed (see [Bypassed]) and the process
// ended before Cleanup succeeded, or while no process ran.
//
// # Expected flow
//
//	found := bucketsWithOurTag()     // first what exists outside
//	objs, err := list(ctx)           // then the objects, as of now
//	remove those of found that none of objs stands for
//
// # Guarantees
//
// Sweep is called when the workers start, and every Options.SweepInterval after that; at most one
// call runs at a time. list reads all objects that the controller sees, those of its namespaces
// and selectors, paused or not, from the API server and never from a cache.
//
// # Caveats
//
// The order matters: what is found outside after list may belong to an object that was created in
// between. What belongs to an object by its name or UID stays while the object is paused; a Sweep that compares
// with the spec must leave out what belongs to an object for which [PauseOf] returns true. Sweep runs concurrently with Apply and Cleanup. The deadline of its ctx is
// Options.Timeout. A controller that sees only a part of the objects must not remove what belongs
// to the others.
//
// A Sweep that ignores its ctx makes Run return an error, and the next Run waits for it.
//
// # Errors
//
// An error is reported as [Trouble], and Sweep is called again after Options.MaxBackoff.
type Sweeper[T repository.Object] interface {
	Sweep(ctx context.Context, list func(context.Context) ([]T, error)) error
}

// sweep calls a Sweeper until accept ends.
func (c *Controller[T, C]) sweep(accept, work context.Context) {
	sweeper, ok := any(c.user).(Sweeper[T])
	if !ok || c.opts.SweepInterval < 0 {
		return
	}
	for {
		wait := time.Duration(float64(c.opts.SweepInterval) * (0.8 + 0.4*rand.Float64()))
		if err := c.sweepOnce(work, sweeper); err != nil {
			c.trouble(err)
			wait = min(wait, c.opts.MaxBackoff)
		}
		select {
		case <-accept.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (c *Controller[T, C]) sweepOnce(ctx context.Context, sweeper Sweeper[T]) error {
	if c.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.opts.Timeout, errTimeout{c.opts.Timeout})
		defer cancel()
	}
	select {
	case <-ctx.Done(): // one of an earlier Run goes on: its code ignores its ctx
		return kerr.New(kerr.OpSweep, c.repo.Kind(), types.NamespacedName{}, "", context.Cause(ctx))
	case c.sweeping <- struct{}{}:
	}
	defer func() { <-c.sweeping }()
	var err error
	panicked := foreign.Call(func() {
		err = kerr.Contain(sweeper.Sweep(ctx, func(ctx context.Context) (objs []T, err error) {
			err = c.eachLive(ctx, func(obj T) { objs = append(objs, obj) })
			return objs, err
		}))
	})
	if panicked != nil {
		err = panicked
	}
	return kerr.New(kerr.OpSweep, c.repo.Kind(), types.NamespacedName{}, "", err)
}
