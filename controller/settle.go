package controller

import (
	"time"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// settle decides when the key's turn comes again. Nothing else does.
//
//	success                    when something changes, or after the Requeue
//	error                      after the backoff, or the time that the error names
//	error that cannot improve  when something changes, or after the Requeue
//
// A Requeue that comes with an error is not lost: the earlier of both wins.
func settle[T repository.Object](r *running[T], it *item, at *Attempt) {
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
			wait := backoff
			if named, ok := kerr.RetryAfter(at.Err); ok {
				wait = named
			}
			if requeue {
				wait = min(wait, after)
			}
			return wait, Reason{Verb: VerbRetry, Failures: failures}
		})
	}
}

// done tells that nothing is to be tried again.
func (at *Attempt) done() bool { return at.Err == nil || kerr.WaitsForChange(at.Err) }
