package controller

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/kerr"
)

// worker takes keys until accept ends or the queue is shut down; the work on a key has
// the ctx work. User code runs on the worker's goroutine. If that calls
// runtime.Goexit the goroutine cannot be saved, and another worker takes its place.
func (c *Controller[T, C]) worker(accept, work context.Context, r *running[T]) {
	finished := false
	defer func() {
		if !finished {
			r.wg.Go(func() { c.worker(accept, work, r) })
		}
	}()
	for {
		key, reasons, more, ok := r.queue.Get()
		if !ok {
			break
		}
		if accept.Err() != nil {
			r.queue.Done(key)
			break
		}
		c.process(work, r, key, reasons, more)
	}
	finished = true
}

// process makes one attempt for a key. Whatever user code does, the key is settled,
// reported and given back.
func (c *Controller[T, C]) process(work context.Context, r *running[T], key types.NamespacedName, reasons []Reason, more int) {
	defer r.queue.Done(key)
	r.setBusy(key, true)
	defer r.setBusy(key, false)
	if more == 0 && c.echoes(r, key, reasons) {
		return
	}
	a := attempt.New(c.repo.Kind(), key, nil)
	at := Attempt{Controller: c.opts.Name, Key: key, Op: kerr.OpGet, Reasons: reasons, MoreReasons: more, Start: time.Now()}
	made, returned := true, false
	defer func() {
		if !returned { // runtime.Goexit; a panic has become an error before
			at.Err = kerr.New(at.Op, c.repo.Kind(), key, at.UID, kerr.Recovered(nil))
		}
		if !made {
			return
		}
		at.Duration = time.Since(at.Start)
		at.Writes = a.Writes()
		at.cut = work.Err() != nil
		r.states.learn(key, a)
		settle(r, &at)
		c.report(at)
	}()
	ctx, cancel := c.deadline(work)
	defer cancel()
	made = c.reconcile(attempt.With(ctx, a), r, &at)
	returned = true
}

func (c *Controller[T, C]) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.opts.Timeout < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.opts.Timeout, errTimeout{c.opts.Timeout})
}

// errTimeout is the cause of an attempt's ctx that ended.
type errTimeout struct{ after time.Duration }

func (e errTimeout) Error() string {
	return "the attempt ran longer than Options.Timeout (" + e.after.String() + ")"
}

// Is makes the cause the deadline that it is.
func (e errTimeout) Is(target error) bool { return target == context.DeadlineExceeded }

// echoes tells whether all reasons are events about the very state that was worked
// on last, or about the one that the work left behind if that is no news. The
// attempt succeeded, or its retry is planned. That is how the events of our own
// writes, after which Apply needs not run, do not make it run twice.
func (c *Controller[T, C]) echoes(r *running[T], key types.NamespacedName, reasons []Reason) bool {
	isEvent := func(reason Reason) bool {
		return (reason.Verb == VerbAdded || reason.Verb == VerbUpdated) && reason.Kind == c.repo.Kind().Kind && reason.Key == key
	}
	for _, reason := range reasons {
		if !isEvent(reason) {
			return false
		}
	}
	cached, ok := c.informer.View(key)
	if !ok {
		return false
	}
	last := r.states.get(key, cached.GetUID())
	for _, reason := range reasons {
		if !last.worked.is(reason.ResourceVersion, cached) && !last.settled.is(reason.ResourceVersion, cached) {
			return false
		}
	}
	return len(reasons) > 0
}
