// Package queue decides which key is worked on next, and when.
//
// It is client-go's workqueue, which keeps a key to one worker at a time and merges
// what happens meanwhile, with our order of keys in it (lanes.go), and with timers,
// backoff and reasons beside it. client-go's own AddAfter cannot be cancelled or
// moved, and its rate limiter counts every event on the way as a failure.
package queue

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/util/workqueue"
)

// mostReasons bounds the different reasons that one key carries. Beyond that it is known that
// there were more, not which.
const mostReasons = 8

// mostSpare bounds the entries that are kept for the next keys.
const mostSpare = 256

// Weight is what a reason does to the key's place in the queue.
type Weight uint8

// The weights.
const (
	Background Weight = iota // a first list or a resync: after the changes
	Change                   // in the order of arrival
	News                     // also makes failures history: it ends a backoff
)

// Options set the order, and the backoff: the n-th failure in a row waits Base·2ⁿ⁻¹,
// at most Max, less up to a fifth so that keys that failed together do not retry
// together.
type Options[K comparable] struct {
	Base, Max time.Duration
	// Tenant names the group that a key takes its turns with. nil is one group.
	Tenant func(K) string
}

// Queue holds keys of type K and, for each, reasons of type R. It is safe for
// concurrent use. No lock is held while other code runs, but for Options.Tenant.
type Queue[K, R comparable] struct {
	opts Options[K]
	work *workqueue.Typed[K]

	// background counts the entries whose reasons are all of the background: if there
	// are none, nobody has to be asked for the lane.
	background atomic.Int64

	mu      sync.Mutex // may be taken while holding the lock of work, not the other way
	closed  bool
	entries map[K]*entry[R]
	spare   []*entry[R]
}

// entry is what is known of a key that waits, has failed, or has a timer. Others
// have none.
type entry[R comparable] struct {
	reasons  []R
	more     int    // reasons beyond mostReasons
	weight   Weight // the greatest of the reasons
	failures int
	timer    *timer // a Requeue, or a backoff
	hold     *hold
}

// New returns an empty queue. End it with ShutDown.
func New[K, R comparable](opts Options[K]) *Queue[K, R] {
	if opts.Tenant == nil {
		opts.Tenant = func(K) string { return "" }
	}
	q := &Queue[K, R]{opts: opts, entries: map[K]*entry[R]{}}
	q.work = workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[K]{Queue: newLanes(opts.Tenant, q.urgent)})
	return q
}

// urgent tells the lane of a key.
func (q *Queue[K, R]) urgent(key K) bool {
	if q.background.Load() == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries[key]
	return e == nil || e.weight > Background
}

// Add asks for the key to be worked on because of reason. A key that waits for its
// backoff keeps waiting, with one more reason, unless the reason is News: then it
// is worked on at once and its failures are forgotten.
func (q *Queue[K, R]) Add(key K, reason R, weight Weight) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return
	}
	e := q.entry(key)
	q.because(e, reason, weight)
	if weight == News {
		e.failures = 0
		if e.timer != nil && e.timer.backoff {
			e.timer = e.timer.stop()
		}
	}
	if e.hold != nil && e.hold.light {
		e.hold = e.hold.stop()
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

// take empties the entry of a key. It is not ready if the queue is closed, if the
// key waits for something since it was added, or if its reasons were taken before:
// by the worker that had it when it was added.
func (q *Queue[K, R]) take(key K) (reasons []R, more int, ready bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries[key]
	if q.closed || e == nil || len(e.reasons) == 0 || e.waits() {
		return nil, 0, false
	}
	reasons, more = q.empty(e)
	q.drop(key, e)
	return reasons, more, true
}

// Done ends the work on a key. If it was added in the meantime it waits in line
// again.
func (q *Queue[K, R]) Done(key K) { q.work.Done(key) }

// Len returns the number of keys that are ready to be worked on.
func (q *Queue[K, R]) Len() int { return q.work.Len() }

// ShutDown drops what waits, stops the timers and makes every Get return. Keys that
// are being worked on are not affected.
func (q *Queue[K, R]) ShutDown() {
	q.mu.Lock()
	q.closed = true
	for _, e := range q.entries {
		e.timer, e.hold = e.timer.stop(), e.hold.stop()
	}
	clear(q.entries)
	q.mu.Unlock()
	q.work.ShutDown()
}

// entry returns the key's entry, new if need be.
func (q *Queue[K, R]) entry(key K) *entry[R] {
	e := q.entries[key]
	if e != nil {
		return e
	}
	if last := len(q.spare) - 1; last >= 0 {
		e, q.spare = q.spare[last], q.spare[:last]
	} else {
		e = &entry[R]{}
	}
	q.entries[key] = e
	return e
}

// drop forgets an entry that says nothing, so that memory follows the keys that
// wait and not those that ever were.
func (q *Queue[K, R]) drop(key K, e *entry[R]) {
	if len(e.reasons) > 0 || e.failures > 0 || e.timer != nil || e.hold != nil {
		return
	}
	delete(q.entries, key)
	if len(q.entries) == 0 && len(q.spare) == mostSpare {
		q.entries = map[K]*entry[R]{} // a map never shrinks
	}
	if len(q.spare) < mostSpare {
		*e = entry[R]{}
		q.spare = append(q.spare, e)
	}
}

// because adds a reason.
func (q *Queue[K, R]) because(e *entry[R], reason R, weight Weight) {
	switch {
	case len(e.reasons) == 0 && weight == Background:
		q.background.Add(1)
	case len(e.reasons) > 0 && e.weight == Background && weight > Background:
		q.background.Add(-1)
	}
	e.weight = max(e.weight, weight)
	switch {
	case slices.Contains(e.reasons, reason):
	case len(e.reasons) < mostReasons:
		e.reasons = append(e.reasons, reason)
	default:
		e.more++
	}
}

// empty takes the reasons away.
func (q *Queue[K, R]) empty(e *entry[R]) (reasons []R, more int) {
	if len(e.reasons) > 0 && e.weight == Background {
		q.background.Add(-1)
	}
	reasons, more = e.reasons, e.more
	e.reasons, e.more, e.weight = nil, 0, Background
	return reasons, more
}

// waits tells whether the key must not be worked on before its timer or its hold
// ends.
func (e *entry[R]) waits() bool {
	return e.hold != nil || e.timer != nil && e.timer.backoff && e.weight < News
}
