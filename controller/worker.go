package controller

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/internal/unseen"
)

// worker takes keys until accept ends or the queue is shut down; the work on a key has
// the ctx work. User code runs on the worker's goroutine. If that calls
// runtime.Goexit the goroutine cannot be saved, and another worker takes its place.
func (c *Controller[T, C]) worker(accept, work context.Context, r *runState[T], number int) {
	finished := false
	defer func() {
		if !finished {
			r.wg.Go(func() { c.worker(accept, work, r, number) })
		}
	}()
	for {
		it, reasons, more, ok := r.queue.Get()
		if !ok {
			break
		}
		if accept.Err() != nil {
			r.queue.Done(it)
			break
		}
		r.progress.taken[number].Add(1)
		c.process(work, r, number, it, reasons, more)
	}
	finished = true
}

// process makes one attempt for a key, unless there is nothing to attempt or the key must wait.
// Whatever user code does, the attempt is reported and the key is scheduled and given back.
func (c *Controller[T, C]) process(work context.Context, r *runState[T], worker int, it *item, reasons []Reason, more int) {
	defer r.queue.Done(it)
	key := it.Key
	if c.left.busyWith(key) {
		r.queue.Hold(it, reasons, more, unseen.Interval, false, string(ParkedAbandoned))
		return
	}
	if c.heldBack(r, it, reasons, more) {
		return
	}
	wait, behind := r.own.Pending(it.Record.unseen)
	// Only now: what the caches were just found to show is in it.
	cached, ok := c.informer.View(key)
	if c.orphaned(r, it) {
		c.clean(work, r, worker, it, reasons, more, behind)
		return
	}
	if !ok {
		if it.Record.held || it.Record.cleaned {
			r.strip(it) // the event of its end is on the way
		} else {
			r.forget(it)
		}
		return
	}
	st := recordOf(it, cached.GetUID())
	if c.passesBy(cached, st) {
		r.queue.Forget(it)
		return
	}
	reasons, kept, turned := c.pauses(r, it, cached, reasons, more)
	if kept {
		return
	}
	if !turned && more == 0 && c.echoes(st, key, cached, reasons) {
		c.counts.echoes.Add(1)
		return
	}
	if wait > 0 {
		r.park(it, reasons, more, wait)
		return
	}
	self := more == 0 && c.causedItself(st, reasons)
	if c.hurried(r, it, reasons, more, self) {
		return
	}
	if c.slowed(r, it, reasons, more, self) {
		return
	}
	t := c.reconciliation(r, it, reasons, more)
	t.cached, t.at.UID, t.at.SelfTriggered = cached, cached.GetUID(), self
	t.run(work, worker, behind)
}

// slowed keeps back a key whose attempts write too often.
func (c *Controller[T, C]) slowed(r *runState[T], it *item, reasons []Reason, more int, self bool) bool {
	st := &it.Record
	switch {
	case self && st.pacing.loop.TooFast():
		c.slow(r, it, reasons, more, &st.pacing.loop.Brake, true, "what its attempts write is what causes the next one")
	case st.pacing != nil && st.pacing.undone.TooFast():
		c.slow(r, it, reasons, more, &st.pacing.undone.Brake, false, "its attempts write the same again and again: another client undoes it, or it is what the server has already, "+
			"such as a list of containers without the fields that the server fills in")
	default:
		return false
	}
	return true
}

// clean makes an attempt for what has vanished, see bypass.go. The reasons stay for the
// object that has the name now.
func (c *Controller[T, C]) clean(work context.Context, r *runState[T], worker int, it *item, reasons []Reason, more int, behind map[journal.Ref]journal.Write) {
	t := c.reconciliation(r, it, reasons, more)
	t.at.UID = it.Record.orphans()[0].last.GetUID()
	t.run(work, worker, behind)
	if _, again := t.at.Action.After(); t.at.done() && !again {
		for _, reason := range reasons {
			r.queue.Add(it.Key, reason, queue.Change)
		}
	}
}

// park keeps a key until the caches show what it wrote, for so long at most.
func (r *runState[T]) park(it *item, reasons []Reason, more int, wait time.Duration) {
	r.queue.Hold(it, reasons, more, min(wait, unseen.Interval), false, string(ParkedStale))
	if wait, _ := r.own.Pending(it.Record.unseen); wait <= 0 {
		r.queue.Wake(it.Key, Reason{Verb: VerbCaughtUp}) // since we looked
	}
}

// forget drops what is known of an object that is gone.
func (r *runState[T]) forget(it *item) {
	r.strip(it)
	it.Record, it.Keep = record{}, false
}

// strip is forget for an object whose end there was no event of yet. That decides whether
// Cleanup is owed to it.
func (r *runState[T]) strip(it *item) {
	r.queue.Forget(it)
	st := &it.Record
	if st.failing() != nil {
		r.refusals.forget(it.Key)
	}
	r.own.Forget(st.unseen)
	st.reads.Keep(it.Key, nil)
	left := record{uid: st.uid, held: st.held, cleaned: st.cleaned}
	left.bury(past{st.orphans(), st.before()})
	it.Record = left
}

// echoes reports whether all reasons are events about states that were worked on: the very one,
// or an older one of the same object, or the one that the work left behind if that is no news.
// That is how the events of our own writes, after which Apply needs not run, do not make it run
// twice.
func (c *Controller[T, C]) echoes(last *record, key types.NamespacedName, cached T, reasons []Reason) bool {
	events := 0
	for _, reason := range reasons {
		switch {
		case reason.Verb == VerbCaughtUp:
			continue
		case reason.Verb != VerbAdded && reason.Verb != VerbUpdated || reason.Kind != c.repo.Kind().GroupKind() || reason.Key != key:
			return false
		case !last.hasSeen(reason.ResourceVersion, cached):
			return false
		}
		events++
	}
	return events > 0
}
