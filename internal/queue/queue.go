// Package queue decides which key is worked on next, and when.
//
// As client-go's workqueue, it keeps a key to one worker at a time and merges what happens meanwhile. It has
// an order of its own (lanes.go), reasons, timers and a backoff (item.go), and keeps where a key is in the
// key's item, where workqueue has sets of keys. client-go's own AddAfter cannot be cancelled or moved, and its
// rate limiter counts every event on the way as a failure.
package queue

import (
	"sync"
	"time"

	"github.com/kuberator/kuberator/internal/keyed"
)

// Weight is what a reason does to the key's place in the queue.
type Weight uint8

// The weights.
const (
	Background Weight = iota // a first list, a resync, what can wait: after the changes
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
	made time.Time // what times are counted from, since a Duration is smaller

	mu       sync.Mutex
	notEmpty sync.Cond // of line
	closed   bool
	items    *keyed.Map[K, *Item[K, R, S]]
	line     lanes[K, R, S]
	spare    []*pending[R]
	usual    []R // what one of the last keys had, see addReason
	held     map[*Item[K, R, S]]bool
	counts   counts
}

// New returns an empty queue. End it with ShutDown.
func New[K, R comparable, S any](opts Options[K]) *Queue[K, R, S] {
	if opts.Tenant == nil {
		opts.Tenant = func(K) string { return "" }
	}
	q := &Queue[K, R, S]{opts: opts, made: time.Now(), items: keyed.New(keyOf[K, R, S]), line: newLanes[K, R, S](opts.Tenant)}
	q.notEmpty.L = &q.mu
	return q
}

// Add asks for the key to be worked on because of reason. A key that waits for its
// backoff keeps waiting, with one more reason, unless the reason is Early or News: then it
// is worked on at once.
func (q *Queue[K, R, S]) Add(key K, reason R, weight Weight) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	it := q.item(key)
	p := q.pendingOf(it)
	q.addReason(p, reason, weight)
	if p.hold != nil && p.hold.light {
		q.unhold(it)
	}
	q.place(it)
}

// place puts a key in line that is to be worked on: in the lane that its reasons give it, or from there to the
// better one. If a worker has it, Done calls place again. It must follow each change that can make a key ready, or have
// it wait.
func (q *Queue[K, R, S]) place(it *Item[K, R, S]) {
	p := it.pending
	if q.closed || p == nil || len(p.reasons) == 0 {
		return
	}
	if p.waits() {
		p.ready = false // it may have been, if the worker that has it says so
		return
	}
	if !p.ready {
		p.ready = true
		if q.opts.Timed {
			p.since = time.Since(q.made)
		}
	}
	if !it.busy && q.line.push(it, p.weight) {
		q.counts.adds++
		q.notEmpty.Signal()
	}
}

// Get waits for a key and returns its item with its reasons and the number of those
// that were too many to keep. The caller must call Done. ok is false when the queue is
// shut down; keys that were waiting are not returned any more.
func (q *Queue[K, R, S]) Get() (it *Item[K, R, S], reasons []R, more int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.line.len() == 0 {
		if q.closed {
			return nil, nil, 0, false
		}
		q.notEmpty.Wait()
	}
	it = q.line.pop()
	it.busy = true
	reasons, more = q.take(it)
	return it, reasons, more, true
}

// take takes the reasons of a key.
func (q *Queue[K, R, S]) take(it *Item[K, R, S]) (reasons []R, more int) {
	p := it.pending
	p.ready = false
	it.weight, it.since = p.weight, p.since
	reasons, more = p.takeReasons()
	q.recycle(it)
	it.retries = it.pending != nil
	return reasons, more
}

// Done ends the work on a key. If it was added in the meantime it waits in line
// again.
func (q *Queue[K, R, S]) Done(it *Item[K, R, S]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it.busy = false
	if it.parked != nil && it.parked.end() {
		it.parked = nil
	}
	if !it.Keep {
		q.dropIdle(it)
	}
	q.place(it)
}

// Len returns the number of keys that are ready to be worked on.
func (q *Queue[K, R, S]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.line.len()
}

// ShutDown drops what waits, stops the timers and makes every Get return. Keys that
// are being worked on are not affected.
func (q *Queue[K, R, S]) ShutDown() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for it := range q.items.All() {
		if p := it.pending; p != nil {
			q.setTimer(p, nil)
			p.hold = p.hold.stop()
		}
	}
	q.items, q.held = keyed.New(keyOf[K, R, S]), nil
	q.line = newLanes[K, R, S](q.opts.Tenant)
	q.notEmpty.Broadcast()
}
