package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// stuckAfter is how many times Options.Timeout an attempt may run before it counts as stuck. Its
// ctx ends after one.
const stuckAfter = 2

// mostLag is for how long a cache may be behind. Everything is listed again, several times, before that.
const mostLag = 10 * time.Minute

// mostStanding is for how long workers may take nothing although objects wait, if Options.Timeout is negative.
const mostStanding = 10 * time.Minute

// Healthy returns what only a restart of the process can help, for a liveness probe:
//
//   - the objects whose attempt has been running for more than twice Options.Timeout. Such an attempt
//     ignores its ctx; it occupies a worker and blocks its object. Not if Options.Timeout is negative;
//   - that no worker has taken an object for twice Options.Timeout, or 10 minutes if that is negative,
//     although some wait;
//   - a cache that has been behind the server for more than 10 minutes, although it was filled anew:
//     see informer.Informer.Lag.
//
// It returns nil if there is nothing of this, and if the controller is not running. That the API server
// does not answer, or that attempts fail, is no reason to restart.
func (c *Controller[T, C]) Healthy() error {
	r := c.now()
	if r == nil {
		return nil
	}
	errs := []error{c.stuckError()}
	limit := mostStanding
	if c.opts.Timeout > 0 {
		limit = stuckAfter * c.opts.Timeout
	}
	if standing := r.progress.stands(time.Now()); standing > limit {
		errs = append(errs, fmt.Errorf("controller %q: %d objects wait, and no worker has taken one for %s", c.opts.Name, r.queue.Len(), standing.Round(time.Second)))
	}
	for _, in := range r.caches() {
		if in.Lag > mostLag {
			errs = append(errs, fmt.Errorf("controller %q: the cache of %s has been behind for %s", c.opts.Name, in.Kind.Kind, in.Lag.Round(time.Second)))
		}
	}
	return errors.Join(errs...)
}

// stuckError names the objects whose attempts are stuck.
func (c *Controller[T, C]) stuckError() error {
	stuck := c.stuck()
	if len(stuck) == 0 {
		return nil
	}
	const most = 10
	errs := []error{fmt.Errorf("controller %q: %d attempts have been running for more than %s", c.opts.Name, len(stuck), stuckAfter*c.opts.Timeout)}
	for _, key := range stuck[:min(len(stuck), most)] {
		errs = append(errs, errors.New(key.String()))
	}
	return errors.Join(errs...)
}

// Ready returns nil once all caches are full, and before that, or if the controller is neither
// running nor standing by, or is shutting down, an error that says what is missing. It is for a
// readiness probe. It stays nil if a watch fails later: the cache then still has the last known state.
//
// A controller that stands by, see [Controller.Standby], is ready while its caches are full, whether it
// runs or not.
func (c *Controller[T, C]) Ready() error {
	c.mu.Lock()
	r, standby := c.current, c.standby
	c.mu.Unlock()
	switch {
	case standby != nil && full(standby):
		return nil
	case r == nil && standby == nil:
		return fmt.Errorf("controller %q does not run", c.opts.Name)
	case r != nil && r.stopping.Load():
		return fmt.Errorf("controller %q is shutting down", c.opts.Name)
	case r != nil && r.ready.Load():
		return nil
	default:
		return fmt.Errorf("controller %q: not all caches are full yet", c.opts.Name)
	}
}

// now returns what runs, or nil.
func (c *Controller[T, C]) now() *runState[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

func (c *Controller[T, C]) stuck() []types.NamespacedName {
	r := c.now()
	if r == nil || c.opts.Timeout < 0 {
		return nil
	}
	keys := append(r.keys(stuckAfter*c.opts.Timeout), c.left.keys(stuckAfter*c.opts.Timeout)...)
	return sorted(keys)
}

// watchdog reports attempts that are stuck, once each, until ctx ends, and looks whether workers take
// what waits. It stops nothing: a goroutine cannot be stopped, and a key that is worked on twice is worse.
func (c *Controller[T, C]) watchdog(ctx context.Context, r *runState[T]) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var stuck <-chan time.Time
	if c.opts.Timeout > 0 {
		ticker := time.NewTicker(c.opts.Timeout)
		defer ticker.Stop()
		stuck = ticker.C
	}
	told := sets.Set[types.NamespacedName]{}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-look.C:
			r.progress.look(r.queue.Len(), now)
		case <-stuck:
			told = c.tellStuck(told)
		}
	}
}

// tellStuck returns the keys that are stuck, after logging those not in told.
func (c *Controller[T, C]) tellStuck(told sets.Set[types.NamespacedName]) sets.Set[types.NamespacedName] {
	stuck := sets.New(c.stuck()...)
	for key := range stuck.Difference(told) {
		c.opts.Logger.Error("attempt is stuck: it ignores its context", append(names(key, ""), zap.Duration("timeout", c.opts.Timeout))...)
	}
	return stuck
}
