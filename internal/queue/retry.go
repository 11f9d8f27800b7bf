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

// Forget ends the key's failures and its timer. Only a worker makes either, so that it
// knows by itself when there is nothing to forget, which is nearly always.
func (q *Queue[K, R, S]) Forget(it *Item[K, R, S]) {
	if !it.retries {
		return
	}
	it.retries = false
	q.mu.Lock()
	defer q.mu.Unlock()
	if p := it.pending; p != nil {
		p.failures = 0
		p.timer = p.timer.stop()
		q.tidy(it)
	}
}

// After adds the key after d, in the place of an older timer, and ends its
// failures.
func (q *Queue[K, R, S]) After(it *Item[K, R, S], d time.Duration, reason R) {
	it.retries = true
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.pend(it)
	p.failures = 0
	q.schedule(it, p, d, false, reason)
}

// Failed counts a failure and adds the key after the wait that pick chooses, which
// is given the backoff and the number of failures in a row. A timer that is due
// earlier stays. If there was news during the failed attempt the failure is
// history, and the key is worked on at once. It returns the wait and the number of
// failures.
func (q *Queue[K, R, S]) Failed(it *Item[K, R, S], pick func(backoff time.Duration, failures int) (time.Duration, R)) (wait time.Duration, failures int) {
	it.retries = true
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.pend(it)
	if p.weight == News {
		// The news may be about the very state that failed. That there was a failure
		// must be among the reasons, or they could all be taken for known.
		_, reason := pick(0, 0)
		q.because(p, reason, Change)
		return 0, 0
	}
	p.failures++
	wait, reason := pick(q.opts.backoff(p.failures), p.failures)
	if p.timer != nil && time.Until(p.timer.due) < wait {
		p.timer.backoff = true
		return max(time.Until(p.timer.due), 0), p.failures
	}
	q.schedule(it, p, wait, true, reason)
	return wait, p.failures
}

func (q *Queue[K, R, S]) schedule(it *Item[K, R, S], p *pending[R], d time.Duration, backoff bool, reason R) {
	p.timer = p.timer.stop()
	if q.closed {
		return
	}
	t := &timer{due: time.Now().Add(d), backoff: backoff}
	t.Timer = time.AfterFunc(d, func() { q.fire(it, t, reason) })
	p.timer = t
}

func (q *Queue[K, R, S]) fire(it *Item[K, R, S], t *timer, reason R) {
	q.mu.Lock()
	p := it.pending
	if q.closed || p == nil || p.timer != t {
		q.mu.Unlock()
		return
	}
	p.timer = nil
	q.because(p, reason, Change)
	wait := p.waits()
	q.mu.Unlock()
	if !wait {
		q.work.Add(it)
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
