package queue

import (
	"math/rand/v2"
	"time"
)

// timer adds a key when it is due. A timer that was replaced may fire all the same,
// hence the identity.
type timer struct {
	*time.Timer
	due     time.Time
	backoff bool // events do not shorten it
}

// stop is for nil too, and returns nil.
func (t *timer) stop() *timer {
	if t != nil {
		t.Stop()
	}
	return nil
}

// Forget ends the key's failures and its timer.
func (q *Queue[K, R]) Forget(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.entries[key]; e != nil {
		e.failures = 0
		e.timer = e.timer.stop()
		q.drop(key, e)
	}
}

// After adds the key after d, in the place of an older timer, and ends its
// failures.
func (q *Queue[K, R]) After(key K, d time.Duration, reason R) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entry(key)
	e.failures = 0
	q.schedule(key, e, d, false, reason)
}

// Failed counts a failure and adds the key after the wait that pick chooses, which
// is given the backoff and the number of failures in a row. A timer that is due
// earlier stays. If there was news during the failed attempt the failure is
// history, and the key is worked on at once. It returns the wait and the number of
// failures.
func (q *Queue[K, R]) Failed(key K, pick func(backoff time.Duration, failures int) (time.Duration, R)) (wait time.Duration, failures int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entry(key)
	if e.weight == News {
		// The news may be about the very state that failed. That there was a failure
		// must be among the reasons, or they could all be taken for known.
		_, reason := pick(0, 0)
		q.because(e, reason, Change)
		return 0, 0
	}
	e.failures++
	wait, reason := pick(q.opts.backoff(e.failures), e.failures)
	if e.timer != nil && time.Until(e.timer.due) < wait {
		e.timer.backoff = true
		return max(time.Until(e.timer.due), 0), e.failures
	}
	q.schedule(key, e, wait, true, reason)
	return wait, e.failures
}

func (q *Queue[K, R]) schedule(key K, e *entry[R], d time.Duration, backoff bool, reason R) {
	e.timer = e.timer.stop()
	if q.closed {
		return
	}
	t := &timer{due: time.Now().Add(d), backoff: backoff}
	t.Timer = time.AfterFunc(d, func() { q.fire(key, t, reason) })
	e.timer = t
}

func (q *Queue[K, R]) fire(key K, t *timer, reason R) {
	q.mu.Lock()
	e := q.entries[key]
	if q.closed || e == nil || e.timer != t {
		q.mu.Unlock()
		return
	}
	e.timer = nil
	q.because(e, reason, Change)
	wait := e.waits()
	q.mu.Unlock()
	if !wait {
		q.work.Add(key)
	}
}

// backoff returns the wait after so many failures in a row.
func (o Options[K]) backoff(failures int) time.Duration {
	d := o.Max
	if shift := failures - 1; shift < 63 && o.Base <= o.Max>>shift {
		d = o.Base << shift
	}
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}
