package queue

import (
	"math/rand/v2"
	"time"
)

// timer adds a key when it is due. A timer that was replaced may fire all the same,
// hence the identity.
type timer struct {
	*time.Timer
	backoff bool // events do not shorten it
	due     time.Time
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
		q.setTimer(p, nil)
		q.recycle(it)
	}
}

// After adds the key after d, in the place of an older timer, and ends its
// failures.
func (q *Queue[K, R, S]) After(it *Item[K, R, S], d time.Duration, reason R) {
	it.retries = true
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.pendingOf(it)
	p.failures = 0
	q.schedule(it, p, d, false, reason)
}

// Hurry ends the wait of a key that is worked on before its backoff is over, and, if news,
// makes its failures history: those that come count from one. Whether something is news, and
// not what the failed attempt itself did, is for the worker to say.
func (q *Queue[K, R, S]) Hurry(it *Item[K, R, S], news bool) {
	if !it.retries {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if p := it.pending; p != nil {
		if news {
			p.failures = 0
		}
		if p.timer != nil && p.timer.backoff {
			q.setTimer(p, nil)
		}
		q.recycle(it)
	}
}

// Failed counts a failure and adds the key after the wait that pick chooses, in the place of
// an older timer. pick is given the backoff and the number of failures in a row. It returns
// the wait and the number of failures.
func (q *Queue[K, R, S]) Failed(it *Item[K, R, S], pick func(backoff time.Duration, failures int) (time.Duration, R)) (wait time.Duration, failures int) {
	it.retries = true
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.pendingOf(it)
	p.failures++
	wait, reason := pick(q.opts.backoff(p.failures), p.failures)
	q.schedule(it, p, wait, true, reason)
	q.place(it)
	return wait, p.failures
}

func (q *Queue[K, R, S]) schedule(it *Item[K, R, S], p *pending[R], d time.Duration, backoff bool, reason R) {
	q.setTimer(p, nil)
	if q.closed {
		return
	}
	t := &timer{backoff: backoff, due: time.Now().Add(d)}
	t.Timer = time.AfterFunc(d, func() { q.fire(it, t, reason) })
	q.setTimer(p, t)
}

// setTimer puts a timer, or none, in the place of the one that there is.
func (q *Queue[K, R, S]) setTimer(p *pending[R], t *timer) {
	q.counts.timer(p.timer, -1)
	p.timer.stop()
	p.timer = t
	q.counts.timer(t, 1)
}

func (q *Queue[K, R, S]) fire(it *Item[K, R, S], t *timer, reason R) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := it.pending
	if q.closed || p == nil || p.timer != t {
		return
	}
	q.setTimer(p, nil)
	q.addReason(p, reason, Change)
	q.place(it)
}

// backoff returns the wait after so many failures in a row.
func (o Options[K]) backoff(failures int) time.Duration {
	d := o.Max
	if shift := failures - 1; shift < 63 && o.Base <= o.Max>>shift {
		d = o.Base << shift
	}
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}
