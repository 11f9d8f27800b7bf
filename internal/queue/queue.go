// Package queue decides which key is worked on next, and when.
//
// It is client-go's workqueue, which keeps a key to one worker at a time and merges
// what happens meanwhile, with our order of keys in it (lanes.go), and with timers,
// backoff and reasons beside it (item.go). client-go's own AddAfter cannot be cancelled or
// moved, and its rate limiter counts every event on the way as a failure.
package queue

import (
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/util/workqueue"
)

// Weight is what a reason does to the key's place in the queue.
type Weight uint8

// The weights.
const (
	Background Weight = iota // a first list or a resync: after the changes
	Change                   // in the order of arrival
	Early                    // also ends the wait of a backoff
	News                     // also may make failures history, see Hurry
)

// Options set the order, and the backoff: the n-th failure in a row waits Base·2ⁿ⁻¹,
// at most Max, less up to a fifth so that keys that failed together do not retry
// together.
type Options[K comparable] struct {
	Base, Max time.Duration
	// Tenant names the group that a key takes its turns with. nil is one group.
	Tenant func(K) string
	// Timed has items tell since when they were ready, which costs a look at the clock each.
	Timed bool
}

// Queue holds keys of type K and, for each, reasons of type R and what its workers
// keep of it, of type S. It is safe for concurrent use. No lock is held while other code
// runs, but for Options.Tenant and what Failed is given.
type Queue[K, R comparable, S any] struct {
	opts Options[K]
	work *workqueue.Typed[*Item[K, R, S]]

	// background counts the items whose reasons are all of the background: if there are none, no
	// item has to be asked for its lane.
	background atomic.Int64

	mu     sync.Mutex // may be taken while holding the lock of work, not the other way
	closed bool
	items  map[K]*Item[K, R, S]
	spare  []*pending[R]
	times  []*time.Time // to be used again
	held   map[*Item[K, R, S]]bool
	counts counts
}

// New returns an empty queue. End it with ShutDown.
func New[K, R comparable, S any](opts Options[K]) *Queue[K, R, S] {
	tenant := func(it *Item[K, R, S]) string { return "" }
	if opts.Tenant != nil {
		tenant = func(it *Item[K, R, S]) string { return opts.Tenant(it.Key) }
	}
	q := &Queue[K, R, S]{opts: opts}
	q.work = workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[*Item[K, R, S]]{Queue: newLanes(tenant, q.urgent)})
	return q
}

// urgent reports whether a key is in the lane of changes.
func (q *Queue[K, R, S]) urgent(it *Item[K, R, S]) bool {
	if q.background.Load() == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return it.pending == nil || it.pending.weight > Background
}

// Add asks for the key to be worked on because of reason. A key that waits for its
// backoff keeps waiting, with one more reason, unless the reason is Early or News: then it
// is worked on at once.
func (q *Queue[K, R, S]) Add(key K, reason R, weight Weight) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return
	}
	it := q.item(key)
	p := q.pendingOf(it)
	q.addReason(p, reason, weight)
	if p.hold != nil && p.hold.light {
		q.unhold(it)
	}
	due := q.due(p)
	q.mu.Unlock()
	if due {
		q.work.Add(it)
	}
}

// due reports whether a key is to be put in line, and notes since when it is there.
func (q *Queue[K, R, S]) due(p *pending[R]) bool {
	if p.waits() {
		return false
	}
	if !p.ready {
		p.ready = true
		q.counts.adds++
		if q.opts.Timed {
			p.since = time.Now()
		}
	}
	return true
}

// Get waits for a key and returns its item with its reasons and the number of those
// that were too many to keep. The caller must call Done. ok is false when the queue is
// shut down; keys that were waiting are not returned any more.
func (q *Queue[K, R, S]) Get() (it *Item[K, R, S], reasons []R, more int, ok bool) {
	for {
		it, shutdown := q.work.Get()
		if shutdown {
			return nil, nil, 0, false
		}
		if reasons, more, ready := q.take(it); ready {
			return it, reasons, more, true
		}
		q.Done(it)
	}
}

// take takes the reasons of a key. It is not ready if the queue is closed, if the
// key waits for something since it was added, or if its reasons were taken before:
// by the worker that had it when it was added.
func (q *Queue[K, R, S]) take(it *Item[K, R, S]) (reasons []R, more int, ready bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := it.pending
	if p != nil {
		p.ready = false // it is not in line any more
	}
	if q.closed || p == nil || len(p.reasons) == 0 || p.waits() {
		return nil, 0, false
	}
	if it.weight = p.weight; q.opts.Timed {
		it.since = q.time(p.since)
	}
	reasons, more = q.takeReasons(p)
	q.recycle(it)
	it.retries = it.pending != nil
	return reasons, more, true
}

// time returns a place for a time, which Done takes back: only the items that workers have have one.
func (q *Queue[K, R, S]) time(t time.Time) *time.Time {
	n := len(q.times)
	if n == 0 {
		q.times, n = append(q.times, new(time.Time)), 1
	}
	place := q.times[n-1]
	q.times = q.times[:n-1]
	*place = t
	return place
}

// Done ends the work on a key. If it was added in the meantime it waits in line
// again.
func (q *Queue[K, R, S]) Done(it *Item[K, R, S]) {
	if it.parked != nil && it.parked.end() {
		it.parked = nil
	}
	if it.since != nil || !it.Keep {
		q.mu.Lock()
		if it.since != nil {
			q.times, it.since = append(q.times, it.since), nil
		}
		if !it.Keep {
			q.dropIdle(it)
		}
		q.mu.Unlock()
	}
	q.work.Done(it)
}

// Len returns the number of keys that are ready to be worked on.
func (q *Queue[K, R, S]) Len() int { return q.work.Len() }

// ShutDown drops what waits, stops the timers and makes every Get return. Keys that
// are being worked on are not affected.
func (q *Queue[K, R, S]) ShutDown() {
	q.mu.Lock()
	q.closed = true
	for _, it := range q.items {
		if p := it.pending; p != nil {
			q.setTimer(p, nil)
			p.hold = p.hold.stop()
		}
	}
	q.items, q.held = nil, nil
	q.mu.Unlock()
	q.work.ShutDown()
}
