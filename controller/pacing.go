package controller

import (
	"slices"
	"time"

	"github.com/kuberator/kuberator/internal/pace"
	"github.com/kuberator/kuberator/internal/queue"
)

// causedItself reports whether all reasons are events about what the last attempt wrote.
func (c *Controller[T, C]) causedItself(st *record, reasons []Reason) bool {
	if st.pacing == nil {
		return false // it wrote nothing
	}
	events := 0
	for _, reason := range reasons {
		wrote := pace.State{Kind: reason.Kind, Key: reason.Key, RV: reason.ResourceVersion}
		switch reason.Verb {
		case VerbCaughtUp:
			continue
		case VerbAdded, VerbUpdated:
		case VerbDeleted:
			wrote.RV = ""
		case VerbResync, VerbTimer, VerbRetry, VerbEnqueued, VerbResumed:
			return false
		}
		if !st.pacing.loop.Wrote(c.seed, wrote) {
			return false
		}
		events++
	}
	return events > 0
}

// hurried decides about a failing object that something happened to before its backoff was over.
// Events of its own last attempt do not count: it waits as if they had not happened. Other events
// start an attempt, at most once a second, and a new state resets the backoff.
func (c *Controller[T, C]) hurried(r *runState[T], it *item, reasons []Reason, more int, self bool) (waits bool) {
	f := it.Record.failing()
	if f == nil || !f.Is() || it.Weight() < queue.Early || slices.ContainsFunc(reasons, func(r Reason) bool { return r.Verb == VerbRetry }) {
		return false
	}
	if self {
		r.queue.Back(it, reasons, more)
		return true
	}
	if wait := f.Hurry(time.Now()); wait > 0 {
		r.queue.Hold(it, reasons, more, wait, false, string(ParkedFailing))
		return true
	}
	r.queue.Hurry(it, it.Weight() == queue.News)
	return false
}

// slow keeps a key that is too fast for a while, or, if light, until something else happens to
// it. Why is logged once for a loop, and at most once a minute: other events end a loop, and begin
// another one.
func (c *Controller[T, C]) slow(r *runState[T], it *item, reasons []Reason, more int, b *pace.Brake, light bool, why string) {
	r.queue.Hold(it, reasons, more, pace.Pause, light, string(ParkedLoop))
	if now, last := time.Now(), &it.Record.troubled().logged.loop; b.First() && now.Sub(*last) >= time.Minute {
		*last = now
		c.warnLoop(r, why, it, reasons)
	}
}
