package controller

import (
	"slices"
	"time"

	"github.com/kuberator/kuberator/internal/queue"
)

// hurry bounds how often something that happens makes a failing object be tried again before
// its backoff ends: once in this time. A dependency that changes 100 times a second costs no more
// than 60 attempts a minute, and what repairs an object is seen within a second.
const hurry = time.Second

// failing is what is known of an object whose last attempt failed and is to be tried again.
type failing struct {
	is       bool
	began    time.Time // the last attempt
	due      time.Time // the next one, by the backoff
	hurrying time.Time // when one came before it was due
}

// settled notes how an attempt went.
func (f *failing) settled(at *Attempt) {
	if f.is = !at.done(); f.is {
		f.began, f.due = at.Start, at.Start.Add(at.Duration+at.Next)
	}
}

// next returns the wait after a failure. While events hurry the object, the first and short
// steps of the backoff would come on top of them.
func (f *failing) next(wait time.Duration, now time.Time) time.Duration {
	if !f.hurrying.IsZero() && now.Sub(f.hurrying) < time.Minute {
		return max(wait, hurry)
	}
	return wait
}

// hurried decides about a failing object that something happened to before its backoff was over.
// What its own last attempt did is no news: it waits as if that had not happened. Other events
// are acted on, at most once in hurry, and a new state makes its failures history.
func (c *Controller[T, C]) hurried(r *runState[T], it *item, reasons []Reason, more int, self bool) (waits bool) {
	f := &it.Record.failing
	if !f.is || it.Weight() < queue.Early || slices.ContainsFunc(reasons, func(r Reason) bool { return r.Verb == VerbRetry }) {
		return false
	}
	if self {
		r.queue.Back(it, reasons, more)
		return true
	}
	now := time.Now()
	if wait := min(f.began.Add(hurry).Sub(now), f.due.Sub(now)); wait > 0 {
		r.queue.Hold(it, reasons, more, wait, false)
		return true
	}
	f.hurrying = now
	r.queue.Hurry(it, it.Weight() == queue.News)
	return false
}
