package controller

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/kerr"
)

// worker takes keys until accept ends or the queue is shut down; the work on a key has
// the ctx work. User code runs on the worker's goroutine. If that calls
// runtime.Goexit the goroutine cannot be saved, and another worker takes its place.
func (c *Controller[T, C]) worker(accept, work context.Context, r *running[T], number int) {
	finished := false
	defer func() {
		if !finished {
			r.wg.Go(func() { c.worker(accept, work, r, number) })
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
		c.process(work, r, number, key, reasons, more)
	}
	finished = true
}

// process makes one attempt for a key, unless there is nothing to attempt or the key
// must wait. Whatever user code does, the key is settled, reported and given back.
func (c *Controller[T, C]) process(work context.Context, r *running[T], worker int, key types.NamespacedName, reasons []Reason, more int) {
	defer r.queue.Done(key)
	wait, behind := r.own.behind(key, nil)
	// Only now: what the caches were just found to show is in it.
	cached, ok := c.informer.View(key)
	if !ok {
		r.forget(key)
		return
	}
	st := r.states.get(key, cached.GetUID())
	if more == 0 && c.echoes(st, key, cached, reasons) {
		return
	}
	if wait > 0 {
		r.park(key, reasons, more, wait)
		return
	}
	self := st.loop.caused(c.seed, reasons)
	if self && st.loop.tooFast() {
		c.slow(r, st, key, reasons, more)
		return
	}
	t := &turn[T, C]{c: c, r: r, st: st, cached: cached, at: Attempt{
		Controller: c.opts.Name, Key: key, Op: kerr.OpGet, Reasons: reasons, MoreReasons: more,
		Start: time.Now(), SelfTriggered: self,
	}}
	t.make(work, worker, behind)
}

// park keeps a key until the caches show what it wrote, for so long at most.
func (r *running[T]) park(key types.NamespacedName, reasons []Reason, more int, wait time.Duration) {
	r.queue.Hold(key, reasons, more, min(wait, bookmark), false)
	if wait, _ := r.own.behind(key, nil); wait <= 0 {
		r.queue.Wake(key, Reason{Verb: VerbCaughtUp}) // since we looked
	}
}

// slow keeps a key that is in a loop of its own writes until its next turn, or until
// something else happens to it.
func (c *Controller[T, C]) slow(r *running[T], st *state, key types.NamespacedName, reasons []Reason, more int) {
	r.queue.Hold(key, reasons, more, loopPause, true)
	if !st.loop.slowed {
		st.loop.slowed = true
		c.warnLoop(key, st.uid, reasons)
	}
}

// forget drops what is known of an object that is gone.
func (r *running[T]) forget(key types.NamespacedName) {
	r.queue.Forget(key)
	r.states.forget(key)
	r.own.forget(key)
	for _, d := range r.deps {
		d.settle(key, nil)
	}
}

// echoes tells whether no reason is more than an event about a state that was worked
// on: the very one, or an older one of the same object, or the one that the work left
// behind if that is no news. That is how the events of our own writes, after which
// Apply needs not run, do not make it run twice.
func (c *Controller[T, C]) echoes(last *state, key types.NamespacedName, cached T, reasons []Reason) bool {
	events := 0
	for _, reason := range reasons {
		switch {
		case reason.Verb == VerbCaughtUp:
			continue
		case reason.Verb != VerbAdded && reason.Verb != VerbUpdated || reason.Kind != c.repo.Kind().Kind || reason.Key != key:
			return false
		case !last.knows(reason.ResourceVersion, cached):
			return false
		}
		events++
	}
	return events > 0
}
