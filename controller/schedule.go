package controller

import (
	"time"

	"github.com/kuberator/kuberator/kerr"
)

// mostAsked bounds what the API server can ask for: a Retry-After of 34 years parks an object
// for good. 10 minutes are seen in the field.
const mostAsked = time.Hour

// leastAfter bounds what kerr.After can ask for: to try a failure again at once, always, is a
// loop of 60,000 attempts a minute.
const leastAfter = 100 * time.Millisecond

// schedule decides when the key is reconciled again. Nothing else does.
//
//	success                    when something changes, or after the Requeue
//	success of a pause         when the pause ends
//	error                      after the backoff, or the time that the error names, see kerr.NextTry
//	error that cannot improve  when something changes, or after the Requeue
//	credentials refused        as any error, and when the server accepts them, see refusals
//
// A Requeue beside an error that is tried again does not shorten the wait. docs/retries.md has
// the whole table.
func (t *reconciliation[T, C]) schedule() {
	r, it, at := t.r, t.it, &t.at
	if !at.done() {
		failing := &it.Record.troubled().failing
		at.Next, at.Failures = r.queue.Failed(it, func(backoff time.Duration, failures int) (time.Duration, Reason) {
			wait := kerr.NextTry(at.Err, backoff, min(t.c.opts.MinBackoff, leastAfter), max(t.c.opts.MaxBackoff, mostAsked))
			return t.bounded(failing.Backoff(wait, time.Now())), Reason{Verb: VerbRetry, Failures: failures}
		})
		failing.Failed(at.Start, at.Start.Add(at.Duration+at.Next))
		if t.c.isRefused(at.Err) {
			r.refusals.add(it.Key, at.Failures)
		} else {
			r.refusals.accepted(it.Key)
		}
		return
	}
	if f := it.Record.failing(); f != nil {
		f.Ended()
		r.refusals.accepted(it.Key)
	}
	if t.paused {
		t.rest()
		return
	}
	if after, requeue := at.Action.After(); requeue {
		at.Next = t.bounded(after)
		r.queue.After(it, at.Next, Reason{Verb: VerbTimer})
		return
	}
	r.queue.Forget(it)
	at.Next = -1
}

// bounded returns the wait, which is no longer than Cleanup of a bypassed object may be tried, and than
// a pause that has an end.
func (t *reconciliation[T, C]) bounded(wait time.Duration) time.Duration {
	if rest, ends := t.pauseLeft(); ends {
		wait = min(wait, rest)
	}
	if left, bypassed := t.bypassTime(); bypassed {
		return min(wait, left)
	}
	return wait
}

// done reports whether nothing is to be tried again.
func (at *outcome) done() bool { return at.Err == nil || kerr.WaitsForChange(at.Err) }
