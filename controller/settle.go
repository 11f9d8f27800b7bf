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

// settle decides when the key's turn comes again. Nothing else does.
//
//	success                    when something changes, or after the Requeue
//	error                      after the backoff, or the time that the error names, see kerr.NextTry
//	error that cannot improve  when something changes, or after the Requeue
//
// A Requeue beside an error that is tried again does not shorten the wait. docs/retries.md has
// the whole table.
func (t *reconciliation[T, C]) settle() {
	r, it, at := t.r, t.it, &t.at
	after, requeue := at.Action.After()
	switch {
	case at.done() && requeue:
		r.queue.After(it, after, Reason{Verb: VerbTimer})
		at.Next = after
	case at.done():
		r.queue.Forget(it)
		at.Next = -1
	default:
		at.Next, at.Failures = r.queue.Failed(it, func(backoff time.Duration, failures int) (time.Duration, Reason) {
			wait := kerr.NextTry(at.Err, backoff, min(t.c.opts.MinBackoff, leastAfter), max(t.c.opts.MaxBackoff, mostAsked))
			return it.Record.failing.next(wait, time.Now()), Reason{Verb: VerbRetry, Failures: failures}
		})
	}
	it.Record.failing.settled(&at.Attempt)
}

// done tells that nothing is to be tried again.
func (at *Attempt) done() bool { return at.Err == nil || kerr.WaitsForChange(at.Err) }
