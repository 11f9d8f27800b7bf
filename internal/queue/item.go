package queue

import (
	"slices"
	"time"
)

// mostReasons bounds the different reasons that one key carries. Beyond that it is known that
// there were more, not which.
const mostReasons = 8

// mostSpare bounds the pending that are kept for the next keys.
const mostSpare = 256

// Item is a key and all that is known of it. There is one per key, so that the queue has to look
// for it only when the key is added. From Get until Done only one worker has it.
type Item[K, R comparable, S any] struct {
	Key K
	// Record is for the worker, and Keep says that the next one needs it: without that
	// the item is forgotten when nothing is pending.
	Record S
	Keep   bool

	weight  Weight        // of the reasons that Get returned; for the worker
	retries bool          // there may be failures or a timer; for the worker too
	busy    bool          // a worker has it; guarded by Queue.mu
	lane    lane          // where it is in line; guarded by Queue.mu
	since   time.Duration // when these made the key ready, if Timed; for the worker
	parked  *parked       // nil for most; for the worker, while the key is held guarded by Queue.mu
	pending *pending[R]   // nil if there is nothing; guarded by Queue.mu
}

// Weight returns the greatest weight of the reasons that Get returned. It is for the worker.
func (it *Item[K, R, S]) Weight() Weight { return it.weight }

// pending is why and when a key is worked on next. Few keys have any.
type pending[R comparable] struct {
	reasons  []R
	more     uint32 // reasons beyond mostReasons
	weight   Weight // the greatest of the reasons
	ready    bool   // it is in line, or will be when its worker is done
	since    time.Duration
	failures int
	timer    *timer // a Requeue, or a backoff
	hold     *hold
}

// waits reports whether the key must not be worked on before its timer or its hold ends.
func (p *pending[R]) waits() bool {
	return p.hold != nil || p.timer != nil && p.timer.backoff && p.weight < Early
}

func keyOf[K, R comparable, S any](it *Item[K, R, S]) K { return it.Key }

// item returns the key's item, new if need be.
func (q *Queue[K, R, S]) item(key K) *Item[K, R, S] {
	it, known := q.items.Get(key)
	if !known {
		it = &Item[K, R, S]{Key: key}
		q.items.Put(it)
	}
	return it
}

// dropIdle forgets an item, if nothing is pending, so that memory follows the keys that are
// of interest and not those that ever were. Its worker must have ended: from now on the
// key can get another item.
func (q *Queue[K, R, S]) dropIdle(it *Item[K, R, S]) {
	if there, _ := q.items.Get(it.Key); it.pending == nil && there == it {
		q.items.Delete(it.Key)
	}
}

// pendingOf returns what is pending for an item, to be changed.
func (q *Queue[K, R, S]) pendingOf(it *Item[K, R, S]) *pending[R] {
	if it.pending == nil {
		if last := len(q.spare) - 1; last >= 0 {
			it.pending, q.spare = q.spare[last], q.spare[:last]
		} else {
			it.pending = &pending[R]{}
		}
	}
	return it.pending
}

// recycle takes a pending away that says nothing any more.
func (q *Queue[K, R, S]) recycle(it *Item[K, R, S]) {
	p := it.pending
	if p == nil || len(p.reasons) > 0 || p.failures > 0 || p.timer != nil || p.hold != nil {
		return
	}
	it.pending = nil
	if len(q.spare) < mostSpare {
		q.spare = append(q.spare, p) // which is as good as new
	}
}

// addReason adds a reason. Keys that have one only, and the same as the last one, as where many are enqueued, share it:
// it cannot be appended to in place.
func (q *Queue[K, R, S]) addReason(p *pending[R], reason R, weight Weight) {
	p.weight = max(p.weight, weight)
	switch {
	case len(p.reasons) == 0:
		if len(q.usual) == 0 || q.usual[0] != reason {
			q.usual = []R{reason}
		}
		p.reasons = q.usual
	case slices.Contains(p.reasons, reason):
	case len(p.reasons) < mostReasons:
		p.reasons = append(p.reasons, reason)
	default:
		p.more++
	}
}

// takeReasons takes the reasons away.
func (p *pending[R]) takeReasons() (reasons []R, more int) {
	reasons, more = p.reasons, int(p.more)
	p.reasons, p.more, p.weight = nil, 0, Background
	return reasons, more
}
