package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// stuckAfter is how many times Options.Timeout an attempt may run before it counts as stuck. Its
// ctx ends after one.
const stuckAfter = 2

// Healthy returns an error that names the objects whose attempt has been running for more than
// twice Options.Timeout. Such an attempt ignores its ctx; it occupies a worker and blocks its
// object. Use Healthy for a liveness probe: only a restart of the process frees them. It returns
// nil if the controller is not running, or if Options.Timeout is negative.
func (c *Controller[T, C]) Healthy() error {
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

// Ready returns nil once all caches are full, and before that, or if the controller is not
// running, an error that says what is missing. It is for a readiness probe. It stays nil if a
// watch fails later: the cache then still has the last known state.
func (c *Controller[T, C]) Ready() error {
	switch r := c.now(); {
	case r == nil:
		return fmt.Errorf("controller %q does not run", c.opts.Name)
	case !r.ready.Load():
		return fmt.Errorf("controller %q: not all caches are full yet", c.opts.Name)
	default:
		return nil
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
	slices.SortFunc(keys, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// watchdog reports attempts that are stuck, once each, until ctx ends. It stops
// nothing: a goroutine cannot be stopped, and a key that is worked on twice is worse.
func (c *Controller[T, C]) watchdog(ctx context.Context) {
	if c.opts.Timeout < 0 {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(c.opts.Timeout)
	defer ticker.Stop()
	told := sets.Set[types.NamespacedName]{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
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
