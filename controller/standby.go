package controller

import (
	"context"
	"errors"
	"fmt"
)

// Standby fills the caches that the controller runs, and keeps them up to date until ctx ends,
// without any attempt. [Controller.Run] may be called meanwhile, also several times, and then
// starts with full caches: this is how a process waits for its turn to lead, see package leader,
// which calls it.
//
// # Guarantees
//
// A Run that finds its caches running does not trust that they show what other processes did
// before: it reads each object from the API server for the first attempt, and starts none before
// the caches of other kinds were found fresh, see informer.SubscribeFresh.
//
// # Errors
//
// Those of Run about wrong calls, and an error if Standby is already running. Failed lists and
// watches are logged and repeated.
func (c *Controller[T, C]) Standby(ctx context.Context) error {
	failed := func(err error) error { return fmt.Errorf("controller %q: standby: %w", c.opts.Name, err) }
	kept, err := c.keep(ctx)
	if err == nil {
		err = c.standBy(kept)
	}
	if err == nil {
		<-ctx.Done()
		err = c.standBy(nil)
	}
	for _, s := range kept {
		err = errors.Join(err, s.Stop())
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

// keep starts the informers. It returns those that were started also beside an error.
func (c *Controller[T, C]) keep(ctx context.Context) (kept []subscription, err error) {
	c.mu.Lock()
	err = c.freeze()
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	own, err := c.informer.Keep(ctx, c.standbyTrouble)
	if err != nil {
		return nil, err
	}
	kept = append(kept, own)
	for _, s := range c.sources {
		also, err := s.keep(ctx, c.standbyTrouble)
		if err != nil {
			return kept, err
		}
		kept = append(kept, also)
	}
	return kept, nil
}

// standBy notes what is kept, or, with nil, that nothing is any more.
func (c *Controller[T, C]) standBy(kept []subscription) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept != nil && c.standby != nil {
		return errors.New("it is standing by already")
	}
	c.standby = kept
	return nil
}

// standbyTrouble reports what Run does not: both hear of the same.
func (c *Controller[T, C]) standbyTrouble(err error) {
	if c.now() == nil {
		c.trouble(err)
	}
}

// full reports whether all caches are full.
func full(subscriptions []subscription) bool {
	for _, s := range subscriptions {
		if !s.Full("") {
			return false
		}
	}
	return true
}
