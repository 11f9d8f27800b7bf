// Package queue decides which key is worked on next, and when.
//
// It is client-go's workqueue, which keeps a key to one worker at a time and merges
// what happens meanwhile, with timers, backoff and reasons beside it. client-go's
// own AddAfter cannot be cancelled or moved, and its rate limiter counts every
// event on the way as a failure.
package queue

import (
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
)

// mostReasons bounds the reasons that one key carries. Beyond that it is known that
// there were more, not which.
const mostReasons = 8

// Options set the backoff: the n-th failure in a row waits Base·2ⁿ⁻¹, at most Max,
// less up to a fifth so that keys that failed together do not retry together.
type Options struct {
	Base, Max time.Duration
}

// Queue holds keys of type K and, for each, reasons of type R. It is safe for
// concurrent use. No lock is held while other code runs.
type Queue[K comparable, R any] struct {
	opts Options
	work *workqueue.Typed[K]

	mu      sync.Mutex
	closed  bool
	entries map[K]*entry[R]
}

// entry is what is known of a key that waits, has failed, or has a timer. Others
// have none.
type entry[R any] struct {
	reasons  []R
	more     int  // reasons beyond mostReasons
	news     bool // one of them makes failures history
	failures int
	timer    *timer
}

// timer adds a key when it is due. A timer that was replaced may fire all the same,
// hence the identity.
type timer struct {
	*time.Timer
	due     time.Time
	backoff bool // events do not shorten it
}

// New returns an empty queue. It starts a goroutine, which ends with ShutDown.
func New[K comparable, R any](opts Options) *Queue[K, R] {
	return &Queue[K, R]{opts: opts, work: workqueue.NewTyped[K](), entries: map[K]*entry[R]{}}
}

// Add asks for the key to be worked on because of reason. A key that waits for its
// backoff keeps waiting, with one more reason, unless the reason is news that makes
// its failures history: then it is worked on at once and its failures are
// forgotten.
func (q *Queue[K, R]) Add(key K, reason R, news bool) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return
	}
	e := q.entry(key)
	e.because(reason)
	if news {
		e.news, e.failures = true, 0
		e.stop()
	}
	wait := e.waits()
	q.mu.Unlock()
	if !wait {
		q.work.Add(key)
	}
}

// Get waits for a key and returns it with its reasons and the number of those that
// were too many to keep. The caller must call Done. ok is false when the queue is
// shut down; keys that were waiting are not returned any more.
func (q *Queue[K, R]) Get() (key K, reasons []R, more int, ok bool) {
	for {
		key, shutdown := q.work.Get()
		if shutdown {
			return key, nil, 0, false
		}
		if reasons, more, ready := q.take(key); ready {
			return key, reasons, more, true
		}
		q.work.Done(key)
	}
}

// take empties the entry of a key. It is not ready if the queue is closed, or if
// the key failed and events that came during the work on it made it run again.
func (q *Queue[K, R]) take(key K) (reasons []R, more int, ready bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries[key]
	if q.closed || e != nil && e.waits() {
		return nil, 0, false
	}
	if e != nil {
		reasons, more = e.reasons, e.more
		e.reasons, e.more, e.news = nil, 0, false
		q.drop(key, e)
	}
	return reasons, more, true
}

// Done ends the work on a key. If it was added in the meantime it is next in line.
func (q *Queue[K, R]) Done(key K) { q.work.Done(key) }

// Forget ends the key's failures and its timer.
func (q *Queue[K, R]) Forget(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.entries[key]; e != nil {
		e.failures = 0
		e.stop()
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
	if e.news {
		// The news may be about the very state that failed. That there was a failure
		// must be among the reasons, or they could all be taken for known.
		_, reason := pick(0, 0)
		e.because(reason)
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

// Len returns the number of keys that are ready to be worked on.
func (q *Queue[K, R]) Len() int { return q.work.Len() }

// ShutDown drops what waits, stops the timers and makes every Get return. Keys that
// are being worked on are not affected.
func (q *Queue[K, R]) ShutDown() {
	q.mu.Lock()
	q.closed = true
	for _, e := range q.entries {
		e.stop()
	}
	clear(q.entries)
	q.mu.Unlock()
	q.work.ShutDown()
}

func (q *Queue[K, R]) schedule(key K, e *entry[R], d time.Duration, backoff bool, reason R) {
	e.stop()
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
	e.because(reason)
	q.mu.Unlock()
	q.work.Add(key)
}

// entry returns the key's entry, new if need be.
func (q *Queue[K, R]) entry(key K) *entry[R] {
	e := q.entries[key]
	if e == nil {
		e = &entry[R]{}
		q.entries[key] = e
	}
	return e
}

// drop forgets an entry that says nothing, so that memory follows the keys that
// wait and not those that ever were.
func (q *Queue[K, R]) drop(key K, e *entry[R]) {
	if len(e.reasons) == 0 && e.more == 0 && e.failures == 0 && e.timer == nil {
		delete(q.entries, key)
	}
}

func (e *entry[R]) because(reason R) {
	if len(e.reasons) < mostReasons {
		e.reasons = append(e.reasons, reason)
	} else {
		e.more++
	}
}

func (e *entry[R]) stop() {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// waits tells whether the key must not be worked on before its timer.
func (e *entry[R]) waits() bool { return e.timer != nil && e.timer.backoff && !e.news }

// backoff returns the wait after so many failures in a row.
func (o Options) backoff(failures int) time.Duration {
	d := o.Max
	if shift := failures - 1; shift < 63 && o.Base <= o.Max>>shift {
		d = o.Base << shift
	}
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}
